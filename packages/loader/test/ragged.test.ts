import { createDataset, FORMAT_NAMES, type SampleValue } from "@millrace/formats";
import { horizontalFlip, normalize, openLoader, randomCrop, randomResizedCrop, resize } from "@millrace/loader";
import { count, tempDir } from "@millrace/testkit";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { linesOf } from "./batch-log.js";
import { makeDataset, encodePng } from "./make-dataset.js";

const floats = normalize({ mean: [0.5, 0.4, 0.3], std: [0.2, 0.2, 0.2] });

/** The shape of a sample's image: each another, some of one row or column. */
function sizeOf(sample: number): [height: number, width: number] {
  return [1 + ((sample * 13) % 41), 1 + ((sample * 29) % 37)];
}

function pixelsOf(sample: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => Math.imul(i + 1, sample * 2_654_435_761 + 97) >>> 24);
}

type Layout = "ragged" | "png";

/** A data set whose images are kept as pixels, or as PNGs of these pixels. */
async function makeImages(layout: Layout, format: (typeof FORMAT_NAMES)[number], samples: number): Promise<string> {
  const path = join(tempDir(), "set");
  const image =
    layout === "png"
      ? ({ name: "image", kind: "bytes", encoding: "png" } as const)
      : ({ name: "image", kind: "ragged", dtype: "uint8", rank: 3 } as const);
  const label = { name: "label", kind: "tensor", dtype: "int32", shape: [] } as const;
  const writer = await createDataset(path, { schema: { fields: [image, label] }, format, samplesPerShard: 9 });
  for (let sample = 0; sample < samples; sample++) {
    const [height, width] = sizeOf(sample);
    const data = pixelsOf(sample, height * width * 3);
    const value = layout === "png" ? encodePng(data, width, height) : { data, shape: [height, width, 3] };
    await writer.write(
      new Map<string, SampleValue>([
        ["image", value],
        ["label", Int32Array.of(sample)],
      ]),
    );
  }
  await writer.finish();
  return path;
}

const SAMPLES = count(24, 200);
const TRANSFORMS = [
  [randomResizedCrop(8), horizontalFlip(), floats],
  [randomCrop(12, { padding: 3, padIfNeeded: true })],
  [resize(9), horizontalFlip()],
];

const expected: string[][] = [];

/** The batches of two epochs, by each of the transforms, of the images as PNG; made once. */
async function expectedLines(): Promise<readonly string[][]> {
  if (expected.length > 0) return expected;
  const png = await makeImages("png", "arrow", SAMPLES);
  for (const transforms of TRANSFORMS) {
    await using loader = await openLoader(png, { batchSize: 8, numWorkers: 0, transforms });
    expected.push([...(await linesOf(loader)), ...(await linesOf(loader))]);
  }
  return expected;
}

describe("images of several sizes that are stored as pixels", () => {
  it.each(FORMAT_NAMES)("give the batches of the same images as PNG, in %s", async (format) => {
    const whole = await expectedLines();
    const path = await makeImages("ragged", format, SAMPLES);
    for (const [number, transforms] of TRANSFORMS.entries()) {
      // The first epoch checks, so it reads whole images; the second only the rows that the crops need.
      for (const checksums of ["first", "always"] as const) {
        const numWorkers = checksums === "first" && number === 0 ? 1 : 0;
        await using loader = await openLoader(path, { batchSize: 8, numWorkers, transforms, checksums });
        expect([...(await linesOf(loader)), ...(await linesOf(loader))]).toEqual(whole[number]);
      }
    }
  });

  it("are left out where there is no transform that brings them to one size, unless they are asked for", async () => {
    const { path } = await makeDataset({ samples: 4, mode: "ragged" });
    await using loader = await openLoader(path, { batchSize: 4, numWorkers: 0 });
    expect(loader.describe()).toMatch(/left out: image, key/u);
    await expect(openLoader(path, { fields: ["image"] })).rejects.toThrow(/different sizes; add resize/u);
  });

  it.each(FORMAT_NAMES)("are bad samples where a byte is damaged, in %s", async (format) => {
    const path = await makeImages("ragged", format, 9);
    const [height, width] = sizeOf(4);
    const shard = join(
      path,
      "train",
      `shard-00000.${{ hdf5: "h5", arrow: "arrow", tfrecord: "tfrecord", webdataset: "tar" }[format]}`,
    );
    const bytes = readFileSync(shard);
    const at = bytes.indexOf(pixelsOf(4, height * width * 3));
    bytes.writeUInt8((bytes[at + 5] as number) ^ 4, at + 5);
    writeFileSync(shard, bytes);
    await using loader = await openLoader(path, { batchSize: 9, numWorkers: 0, transforms: [resize(4)] });
    await expect(linesOf(loader)).rejects.toThrow(/sample 4, field image.*crc32c/u);
  });

  it("are bad samples if they are no images of three channels", async () => {
    for (const shape of [
      [2, 3, 1],
      [0, 3, 3],
      [2, 3, 4],
      [1, 65_536, 3],
    ]) {
      const path = join(tempDir(), "set");
      const fields = [{ name: "image", kind: "ragged", dtype: "uint8", rank: 3 }] as const;
      const writer = await createDataset(path, { schema: { fields }, format: "hdf5" });
      const data = new Uint8Array(shape.reduce((a, b) => a * b));
      await writer.write(new Map<string, SampleValue>([["image", { data, shape }]]));
      await writer.finish();
      await using loader = await openLoader(path, { batchSize: 1, numWorkers: 0, transforms: [resize(4)] });
      await expect(linesOf(loader)).rejects.toThrow(
        `expected [height, width, 3], sides of 1 to 65535, at most 268435456 pixels, found [${shape.join(", ")}]`,
      );
    }
  });
});

describe("images of one size", () => {
  it("give the same batches whether all of their rows are read or those of the crops", async () => {
    const { path } = await makeDataset({ samples: 20, side: 23, format: "hdf5" });
    for (const transforms of [
      [randomCrop(7), horizontalFlip()],
      [randomResizedCrop(9), floats],
      [randomCrop(30, { padding: 9 })],
    ]) {
      await using whole = await openLoader(path, { batchSize: 4, numWorkers: 0, transforms, checksums: "always" });
      await using parts = await openLoader(path, { batchSize: 4, numWorkers: 0, transforms, checksums: "off" });
      expect(await linesOf(parts)).toEqual(await linesOf(whole));
    }
  });
});
