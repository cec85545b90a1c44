import { isMillraceError, offsetOf, openFormat } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readAll } from "./every-kind.js";

const arrow = await openFormat("arrow");

function fixture(name: string): Buffer {
  return readFileSync(fileURLToPath(new URL(`../../../../fixtures/arrow/${name}.arrow`, import.meta.url)));
}

/** The first bytes of a frame. */
const MAGIC = { lz4: Uint8Array.of(0x04, 0x22, 0x4d, 0x18), zstd: Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd) };

/** Where the frames begin; the length of what each becomes stands in the 8 bytes before. */
function framesOf(file: Buffer, codec: keyof typeof MAGIC): number[] {
  const frames: number[] = [];
  for (let at = file.indexOf(MAGIC[codec]); at !== -1; at = file.indexOf(MAGIC[codec], at + 1)) frames.push(at);
  return frames;
}

/** The code and text of the error that reading everything ends in. */
async function failureOf(bytes: Uint8Array): Promise<string> {
  const path = join(tempDir(), "hostile.arrow");
  writeFileSync(path, bytes);
  try {
    const reader = await arrow.openReader(path);
    try {
      readAll(reader);
    } finally {
      reader.close();
    }
    return "none";
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    return `${error.code}: ${error.message.replace(path, "")}`;
  }
}

describe.each(["lz4", "zstd"] as const)("buffers that are compressed by %s", (codec) => {
  it("give no extents, as their bytes do not lie in the file", async () => {
    const path = fileURLToPath(new URL(`../../../../fixtures/arrow/compressed-${codec}.arrow`, import.meta.url));
    const reader = await arrow.openReader(path);
    expect(reader.schema.fields.map(({ name }) => reader.extents(name))).toEqual(
      reader.schema.fields.map(() => undefined),
    );
    reader.close();
  });

  it.each([
    [2n ** 40n, /UNSUPPORTED: .*the compressed buffers of a record batch become too large; expected at most 67108864/],
    [2n ** 62n, /UNSUPPORTED: .*become too large/],
    [-2n, /CORRUPT_SHARD: .*the length of a compressed buffer is wrong; found -2/],
  ])("that claim to become %i bytes are refused before memory is taken", async (length, text) => {
    const file = fixture(`compressed-${codec}`);
    const [frame = 0] = framesOf(file, codec);
    file.writeBigInt64LE(length, frame - 8);
    expect(await failureOf(file)).toMatch(text);
  });

  it.each([1n, 7n, 2n ** 25n])("that become %i bytes fewer than they claim are damaged", async (more) => {
    for (const frame of framesOf(fixture(`compressed-${codec}`), codec)) {
      const file = fixture(`compressed-${codec}`);
      file.writeBigInt64LE(file.readBigInt64LE(frame - 8) + more, frame - 8);
      expect(await failureOf(file)).toMatch(/^(CORRUPT_SHARD: .*a compressed buffer is damaged)/);
    }
  });

  it("that become more bytes than they claim are damaged, or too small for their rows", async () => {
    for (const frame of framesOf(fixture(`compressed-${codec}`), codec)) {
      const file = fixture(`compressed-${codec}`);
      file.writeBigInt64LE(file.readBigInt64LE(frame - 8) - 1n, frame - 8);
      expect(await failureOf(file)).toMatch(
        /^CORRUPT_SHARD: .*(a compressed buffer is damaged|is too short|offset of a value is wrong)/,
      );
    }
  });

  it("that claim to become nothing are too small for their rows", async () => {
    const file = fixture(`compressed-${codec}`);
    const [frame = 0] = framesOf(file, codec);
    file.writeBigInt64LE(0n, frame - 8);
    expect(await failureOf(file)).toMatch(/CORRUPT_SHARD: .*a buffer is too short/);
  });
});

describe("buffers that did not become smaller", () => {
  it("lie plain behind a length of -1, and have extents", async () => {
    const path = fileURLToPath(new URL("../../../../fixtures/arrow/not-smaller.arrow", import.meta.url));
    const reader = await arrow.openReader(path);
    const bytes = readFileSync(path);
    const extents = reader.extents("image");
    expect(extents?.kind).toBe("affine");
    if (extents === undefined) return;
    for (let row = 0; row < reader.length; row++) {
      const at = offsetOf(extents, row);
      expect(bytes.subarray(at, at + 64).equals(reader.readField(row, "image") as Uint8Array)).toBe(true);
    }
    expect(reader.extents("zeros")).toBeUndefined();
    expect(readAll(reader).length).toBe(4);
    reader.close();
  });
});

describe("a bomb", () => {
  it("is refused before it is decompressed", async () => {
    const before = process.memoryUsage().rss;
    expect(await failureOf(fixture("bomb"))).toMatch(/UNSUPPORTED: .*become too large; expected at most 67108864/);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
  });
});
