import { bytesOf, openDataset } from "@millrace/formats";
import { horizontalFlip, normalize, openLoader, resize, sequential, type Transform } from "@millrace/loader";
import { describe, expect, it } from "vitest";
import { makeDataset, type MadeDataset } from "../make-dataset.js";
import { transformOf } from "../make-transform.js";

/** The pixels of the first batch, samples in order, 0 workers. */
async function imagesOf(made: MadeDataset, transforms: readonly Transform[]): Promise<number[]> {
  await using loader = await openLoader(made.path, { order: sequential(), numWorkers: 0, transforms });
  for await (const batch of loader) return Array.from(batch.fields["image"]?.data as Uint8Array, Number);
  return [];
}

describe("a transform of the user's", () => {
  it("changes pixels in place, before and after others, as uint8 and as float32", async () => {
    const made = await makeDataset({ samples: 2 });
    const original = [...made.pixelsOf(0), ...made.pixelsOf(1)];
    const invert = transformOf("for (let i = 0; i < image.data.length; i++) image.data[i] = 255 - image.data[i];");
    expect(await imagesOf(made, [invert])).toEqual(original.map((level) => 255 - level));
    expect(await imagesOf(made, [invert, invert])).toEqual(original);
    const mirror = horizontalFlip({ fraction: 1 });
    expect(await imagesOf(made, [mirror, invert, mirror, invert])).toEqual(original);
    const half = transformOf("for (let i = 0; i < image.data.length; i++) image.data[i] /= 2;");
    const affine = normalize({ mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] });
    const floats = await imagesOf(made, [invert, affine, half]);
    for (const [i, level] of original.entries())
      expect(floats[i]).toBeCloseTo(((255 - level) / 255 - 0.5) / 0.25 / 2, 5);
  });

  it("knows the image's size, its options, the sample, and random numbers of its own", async () => {
    const made = await makeDataset({ samples: 2, mode: "png" });
    const body = `
      if (image.height !== 3 || image.width !== 5 || image.channels !== 3) throw new Error("size");
      image.data[0] = context.options.first + context.sample;
      image.data[1] = 256 * context.random();
      image.data[2] = 256 * context.random();`;
    const transforms = [resize([3, 5]), transformOf(body, { first: 10 })];
    const images = await imagesOf(made, transforms);
    expect([images[0], images[45]]).toEqual([10, 11]);
    expect(new Set([images[1], images[2], images[46], images[47]]).size).toBeGreaterThan(2);
    expect(await imagesOf(made, transforms)).toEqual(images);
  });
});

describe("the pixels of a batch", () => {
  it("are those of the sample where no transform changes them, and (pixel / 255 - mean) / std after normalize", async () => {
    const made = await makeDataset({ samples: 3, side: 5 });
    const dataset = await openDataset(made.path);
    const stored = [];
    for (const sample of [0, 1, 2]) {
      const image = (await dataset.split("train").read(sample)).get("image");
      stored.push(...bytesOf(image as Uint8Array));
    }
    dataset.close();
    expect(await imagesOf(made, [])).toEqual(stored);
    expect(await imagesOf(made, [resize(5)])).toEqual(stored);
    const mean = [0.1, 0.2, 0.3];
    const std = [0.3, 0.2, 0.1];
    const floats = await imagesOf(made, [normalize({ mean, std })]);
    for (const [i, level] of stored.entries())
      expect(floats[i]).toBeCloseTo((level / 255 - (mean[i % 3] as number)) / (std[i % 3] as number), 4);
  });
});
