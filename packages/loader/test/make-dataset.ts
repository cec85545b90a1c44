import { createDataset, type Field, type FormatName, type SampleValue, type Schema } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";

/** A dataset for a test, whose content is a function of the samples' numbers. */
export interface MadeDataset {
  readonly path: string;
  /** Pixels of a sample, `[side, side, 3]`. */
  readonly pixelsOf: (sample: number) => Uint8Array;
}

export interface MakeDatasetOptions {
  readonly samples: number;
  readonly format?: FormatName;
  /**
   * `raw`: pixels; `png`: each image encoded, its side 3 + sample modulo 3; `ragged`: the pixels of these images as they
   * are; `jpeg`: each image encoded, its side `side` + sample modulo 3.
   */
  readonly mode?: "raw" | "png" | "ragged" | "jpeg";
  readonly side?: number;
  readonly samplesPerShard?: number;
}

/** Words that look random and depend on the sample only. */
function fill(sample: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0, x = sample * 2_654_435_761 + 1; i < length; i++) {
    x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    bytes[i] = x >>> 24;
  }
  return bytes;
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

/** A PNG of 8-bit RGB pixels (PNG specification, 2nd edition, section 5). */
export function encodePng(pixels: Uint8Array, width: number, height: number): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const rows = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0; y < height; y++)
    rows.set(pixels.subarray(y * width * 3, (y + 1) * width * 3), y * (1 + width * 3) + 1);
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  const parts = [chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))];
  return new Uint8Array(Buffer.concat([signature, ...parts]));
}

/** Label of a sample. */
export function labelOf(sample: number): number {
  return (sample * 7) % 5;
}

/** Writes a dataset of `image`, `label` and `key` into a folder that is gone after the test. */
export async function makeDataset(options: MakeDatasetOptions): Promise<MadeDataset> {
  const { samples, format = "arrow", mode = "raw", side = 4, samplesPerShard = 16 } = options;
  const path = join(tempDir(), "set");
  const sideOf = (sample: number): number => (mode === "raw" ? side : (mode === "jpeg" ? side : 3) + (sample % 3));
  const pixelsOf = (sample: number): Uint8Array => fill(sample, sideOf(sample) ** 2 * 3);
  const imageFields: Readonly<Record<typeof mode, Field>> = {
    raw: { name: "image", kind: "tensor", dtype: "uint8", shape: [side, side, 3] },
    png: { name: "image", kind: "bytes", encoding: "png" },
    ragged: { name: "image", kind: "ragged", dtype: "uint8", rank: 3 },
    jpeg: { name: "image", kind: "bytes", encoding: "jpeg" },
  };
  const schema: Schema = {
    fields: [
      imageFields[mode],
      { name: "label", kind: "tensor", dtype: "int32", shape: [] },
      { name: "key", kind: "string" },
    ],
  };
  const writer = await createDataset(path, { schema, format, samplesPerShard, classes: ["a", "b", "c", "d", "e"] });
  for (let sample = 0; sample < samples; sample++) {
    const pixels = pixelsOf(sample);
    const own = sideOf(sample);
    const images: Readonly<Record<typeof mode, () => SampleValue | Promise<SampleValue>>> = {
      raw: () => pixels,
      png: () => encodePng(pixels, own, own),
      ragged: () => ({ data: pixels, shape: [own, own, 3] }),
      jpeg: () =>
        sharp(pixels, { raw: { width: own, height: own, channels: 3 } })
          .jpeg()
          .toBuffer(),
    };
    const image = await images[mode]();
    const label = Int32Array.of(labelOf(sample));
    await writer.write(
      new Map<string, SampleValue>([
        ["image", image],
        ["label", label],
        ["key", `k/${sample}`],
      ]),
    );
  }
  await writer.finish();
  return { path, pixelsOf };
}
