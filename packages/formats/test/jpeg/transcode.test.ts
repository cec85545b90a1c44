import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { transcodeSeekable, type SeekableJpeg, type TranscodeOptions } from "@millrace/formats";
import { describe, expect, it } from "vitest";
import { decode, photo } from "./photos.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

it("the committed module is what its sources build", () => {
  const text = execFileSync(process.execPath, ["kernels/build.mjs", "--check"], { cwd: root, encoding: "utf8" });
  expect(text).toMatch(/^transcoder\.wasm: \d+ bytes\n$/u);
});

function bytesOf(result: SeekableJpeg): Buffer {
  if (result.kind === "refused") throw new Error(`${result.reason}: ${result.problem}`);
  return Buffer.concat([result.index, result.bytes]);
}

const KINDS: readonly (readonly [name: string, options: Parameters<typeof photo>[3]])[] = [
  ["4:2:0", {}],
  ["4:4:4", { chromaSubsampling: "4:4:4", quality: 97 }],
  ["grey", { grey: true }],
  ["progressive", { progressive: true }],
  ["progressive by mozjpeg", { mozjpeg: true, chromaSubsampling: "4:4:4" }],
  ["standard tables", { optimiseCoding: false }],
];

describe("transcodeSeekable", () => {
  it.each(KINDS)("keeps every pixel, %s", async (_, options) => {
    for (const [width, height] of [
      [131, 97],
      [1, 1],
      [64, 8],
    ] as const) {
      const source = await photo(width, width, height, options);
      for (const tables of ["optimised", "source"] as const) {
        const made = transcodeSeekable(source, { tables });
        expect(made.kind).toBe("seekable");
        if (made.kind === "refused") continue;
        expect((await decode(made.bytes)).data.equals((await decode(source)).data)).toBe(true);
      }
    }
  });

  it.each(KINDS)("gives the same bytes by WebAssembly and by TypeScript, %s", async (_, options) => {
    const source = await photo(9, 150, 120, options);
    for (const tables of ["optimised", "source"] as const) {
      const made = (coder: TranscodeOptions["coder"]): Buffer => bytesOf(transcodeSeekable(source, { tables, coder }));
      expect(made("wasm").equals(made("plain"))).toBe(true);
    }
  });

  it("makes a file of standard tables smaller, and one by its own tables hardly larger", async () => {
    const source = await photo(10, 400, 300, { optimiseCoding: false });
    const bytes = (tables: "optimised" | "source"): number => {
      const made = transcodeSeekable(source, { tables });
      return made.kind === "seekable" ? made.bytes.length : Number.NaN;
    };
    expect(bytes("optimised")).toBeLessThan(source.length);
    expect(bytes("source")).toBeLessThan(source.length * 1.03);
  });

  it("does not change what it made before", async () => {
    const made = transcodeSeekable(await photo(11, 100, 100));
    const again = made.kind === "seekable" ? transcodeSeekable(made.bytes) : made;
    expect(bytesOf(again).equals(bytesOf(made))).toBe(true);
  });

  it("refuses too many pixels and too many blocks by value", async () => {
    const source = await photo(12, 100, 100, { progressive: true });
    expect(transcodeSeekable(source, { maxPixels: 9999 })).toMatchObject({ kind: "refused", reason: "too-large" });
    expect(transcodeSeekable(source, { maxBlocks: 300 })).toMatchObject({ kind: "refused", reason: "too-large" });
  });

  it.each([
    ["not-jpeg", (bytes: Buffer) => bytes.fill(0, 0, 2)],
    ["truncated", (bytes: Buffer) => bytes.subarray(0, -2)],
    ["lossless", (bytes: Buffer) => patchFrame(bytes, 1, 0xc3)],
    ["hierarchical", (bytes: Buffer) => patchFrame(bytes, 1, 0xc5)],
    ["arithmetic", (bytes: Buffer) => patchFrame(bytes, 1, 0xc9)],
    ["precision", (bytes: Buffer) => patchFrame(bytes, 4, 12)],
    ["no-height", (bytes: Buffer) => patchFrame(bytes, 6, 0)],
    ["sampling", (bytes: Buffer) => patchFrame(bytes, 11, 0x44)],
    ["components", (bytes: Buffer) => patchFrame(bytes, 13, 1)],
    ["corrupt", (bytes: Buffer) => patchFrame(bytes, 5, 0xff)],
  ])("refuses with the reason %s", async (reason, damage) => {
    const source = Buffer.from(await photo(13, 90, 90));
    expect(transcodeSeekable(damage(source))).toMatchObject({ kind: "refused", reason });
  });

  it("refuses an image that EXIF turns", async () => {
    const exif = Buffer.from("ffe100224578696600004d4d002a00000008000101120003000000010006000000000000", "hex");
    const source = await photo(14, 90, 90);
    const turned = Buffer.concat([source.subarray(0, 2), exif, source.subarray(2)]);
    expect(transcodeSeekable(turned)).toMatchObject({ kind: "refused", reason: "orientation" });
    exif[exif.indexOf("\u0006", 20)] = 1;
    const upright = Buffer.concat([source.subarray(0, 2), exif, source.subarray(2)]);
    expect(transcodeSeekable(upright).kind).toBe("seekable");
  });

  it.each([
    ["its orientation is no SHORT", [0, 1, 1, 0x12, 0, 4, 0, 0, 0, 1, 0, 0, 0, 6]],
    ["its orientation is none of eight", [0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 9, 0, 0]],
    ["its directory passes its end", [0, 2, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 1, 0, 0]],
    ["its directory is missing", []],
  ])(
    "refuses an image with EXIF that does not surely say upright, as decoders may turn it: %s",
    async (_, directory) => {
      const payload = [...Buffer.from("Exif\0\0MM\0*\0\0\0\u0008", "latin1"), ...directory];
      const exif = Buffer.from([0xff, 0xe1, 0, payload.length + 2, ...payload]);
      const source = await photo(14, 90, 90);
      const unsure = Buffer.concat([source.subarray(0, 2), exif, source.subarray(2)]);
      expect(transcodeSeekable(unsure)).toMatchObject({ kind: "refused", reason: "orientation" });
    },
  );

  it("refuses an image with two EXIF segments, of which decoders take one or the other", async () => {
    const exif = Buffer.from("ffe100224578696600004d4d002a00000008000101120003000000010001000000000000", "hex");
    const source = await photo(14, 90, 90);
    const twice = Buffer.concat([source.subarray(0, 2), exif, exif, source.subarray(2)]);
    expect(transcodeSeekable(twice)).toMatchObject({ kind: "refused", reason: "orientation" });
  });
});

/** Changes a byte of the frame header, counted from its marker; the image's height is a small number. */
function patchFrame(bytes: Buffer, at: number, value: number): Buffer {
  const frame = bytes.indexOf(Buffer.of(0xff, 0xc0));
  bytes[frame + at] = value;
  return bytes;
}
