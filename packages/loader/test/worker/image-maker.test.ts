import { viewAs } from "@millrace/formats";
import { centerCrop, horizontalFlip, normalize, randomResizedCrop, resize, type Transform } from "@millrace/loader";
import { SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Activity } from "../../dist/ring/activity.js";
import { planLayout } from "../../dist/ring/layout.js";
import { createSharedMemory, growRegion } from "../../dist/ring/shared-memory.js";
import { planTransforms } from "../../dist/transforms/plan.js";
import { ImageMaker } from "../../dist/worker/image-maker.js";
import { transformOf } from "../make-transform.js";

type Channels = 1 | 3;

/** Makes images in a memory of its own; returns their elements. */
async function openMaker(
  transforms: readonly Transform[],
  channels: Channels,
): Promise<(pixels: Uint8Array, columns: number, rows: number, sample: number) => number[]> {
  const plan = planTransforms(transforms, { size: undefined, channels }, undefined);
  const layout = planLayout({ numWorkers: 1, numSlots: 1, batchSize: 1, cellBytes: [1] });
  const memory = createSharedMemory(layout.byteLength);
  const maker = await ImageMaker.open({ plan, seed: 1, memory, activity: new Activity(memory, layout, 0) });
  const elements = plan.height * plan.width * channels;
  const target = growRegion(memory, elements * 4 + 64).offset;
  return (pixels, columns, rows, sample) => {
    const source = growRegion(memory, pixels.length + 64).offset;
    new Uint8Array(memory.buffer).set(pixels, source);
    maker.make(source, columns, rows, 0, sample, target);
    return Array.from(
      viewAs(plan.dtype, new Uint8Array(memory.buffer, target, plan.dtype === "uint8" ? elements : 4 * elements)),
      Number,
    );
  };
}

/** `[rows, columns, channels]`, the level of each pixel given by its place. */
function imageOf(
  columns: number,
  rows: number,
  channels: Channels,
  level: (x: number, y: number) => number,
): Uint8Array {
  const pixels = new Uint8Array(columns * rows * channels);
  for (let i = 0; i < pixels.length; i++) {
    const pixel = Math.floor(i / channels);
    pixels[i] = level(pixel % columns, Math.floor(pixel / columns)) + 10 * (i % channels);
  }
  return pixels;
}

const sides = fc.integer({ min: 8, max: 200 });

describe("the image maker", () => {
  it("makes one colour of one colour, whatever the transforms and the sizes, from small to large and back", async () => {
    const lists: Transform[][] = [
      [randomResizedCrop(9), horizontalFlip()],
      [resize([7, 12]), centerCrop(5)],
      [resize(20), transformOf(""), horizontalFlip(), randomResizedCrop(6), transformOf(""), resize(4)],
    ];
    for (const channels of [1, 3] as const) {
      for (const transforms of lists) {
        const make = await openMaker(transforms, channels);
        fc.assert(
          fc.property(sides, sides, fc.integer({ min: 0, max: 235 }), fc.nat(1000), (columns, rows, level, sample) => {
            const made = make(
              imageOf(columns, rows, channels, () => level),
              columns,
              rows,
              sample,
            );
            expect(made).toEqual(made.map((_, i) => level + 10 * (i % channels)));
          }),
          { seed: SEED, numRuns: 20 },
        );
      }
    }
  });

  it("cuts, mirrors and normalises exactly where nothing is resampled", async () => {
    const steps = [centerCrop([3, 4]), horizontalFlip({ fraction: 1 })];
    const pixels = imageOf(8, 7, 3, (x, y) => 10 * x + y);
    const expected = imageOf(4, 3, 3, (x, y) => 10 * (2 + 3 - x) + (2 + y));
    expect((await openMaker(steps, 3))(pixels, 8, 7, 0)).toEqual([...expected]);
    const affine = { mean: [0.1, 0.2, 0.3], std: [0.5, 0.25, 0.125] };
    const floats = (await openMaker([...steps, normalize(affine)], 3))(pixels, 8, 7, 0);
    for (const [i, level] of expected.entries()) {
      const channel = i % 3;
      const wanted = (level / 255 - (affine.mean[channel] as number)) / (affine.std[channel] as number);
      expect(floats[i]).toBeCloseTo(wanted, 5);
    }
  });

  it("says which image is too long for the kernels, and goes on with the next", async () => {
    const make = await openMaker([resize(2)], 1);
    for (const [columns, rows] of [
      [65_536, 1],
      [1, 65_536],
    ] as const) {
      expect(() => make(new Uint8Array(65_536), columns, rows, 3)).toThrow(
        expect.objectContaining({
          code: "SAMPLE",
          message: expect.stringMatching(/at most 65535 pixels, found \d+ x \d+/u),
        }),
      );
    }
    expect(make(new Uint8Array(16).fill(9), 4, 4, 3)).toEqual([9, 9, 9, 9]);
  });

  it("says which image is too small for a crop", async () => {
    const make = await openMaker([horizontalFlip(), centerCrop(16)], 1);
    expect(() => make(new Uint8Array(15 * 20), 20, 15, 3)).toThrow(
      /smaller than the crop; expected at least 16 x 16, found 20 x 15/u,
    );
  });
});
