import { centerCrop, horizontalFlip, randomResizedCrop, resize, type GeometricTransform } from "@millrace/loader";
import { count, SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createGeometry, crop, showAll, type Geometry } from "../../dist/transforms/geometry.js";
import { placeImage, planTransforms, type ImageStage } from "../../dist/transforms/plan.js";
import { TransformRandom } from "../../dist/transforms/transform-random.js";

/** Every transform that moves pixels. A new one is one line here. */
const TRANSFORMS: readonly [name: string, transform: GeometricTransform][] = [
  ["randomResizedCrop", randomResizedCrop([20, 30])],
  ["centerCrop", centerCrop([7, 9])],
  ["resize, cover", resize([16, 8])],
  ["resize, fill", resize([16, 8], { fit: "fill" })],
  ["horizontalFlip", horizontalFlip()],
];

const sources = fc.record({ columns: fc.integer({ min: 9, max: 600 }), rows: fc.integer({ min: 9, max: 600 }) });
const keys = fc.record({ epoch: fc.nat(1000), sample: fc.nat(2 ** 40), seed: fc.nat(2 ** 40) });
const runs = { numRuns: count(200, 2000), seed: SEED };

interface Key {
  readonly seed: number;
  readonly epoch: number;
  readonly sample: number;
}

function stageOf(transforms: readonly GeometricTransform[], columns: number, rows: number): ImageStage {
  const plan = planTransforms(transforms, { size: [rows, columns], channels: 3 }, undefined);
  return plan.stages[0] as ImageStage;
}

function place(stage: ImageStage, columns: number, rows: number, key: Key, random?: TransformRandom): Geometry {
  const geometry = createGeometry();
  placeImage(stage, columns, rows, key.epoch, key.sample, random ?? new TransformRandom(key.seed), geometry);
  return geometry;
}

describe.each(TRANSFORMS)("%s", (_name, transform) => {
  it("shows a box inside of the source at the size that was planned", () => {
    fc.assert(
      fc.property(sources, keys, ({ columns, rows }, key) => {
        const stage = stageOf([transform], columns, rows);
        const shown = place(stage, columns, rows, key);
        expect([shown.rows, shown.columns]).toEqual([stage.height, stage.width]);
        expect(shown.x >= 0 && shown.y >= 0 && shown.width > 0 && shown.height > 0).toBe(true);
        expect(shown.x + shown.width).toBeLessThanOrEqual(columns);
        expect(shown.y + shown.height).toBeLessThanOrEqual(rows);
      }),
      runs,
    );
  });

  it("is a pure function of seed, epoch and sample, whatever was drawn before", () => {
    fc.assert(
      fc.property(sources, keys, keys, ({ columns, rows }, key, other) => {
        const stage = stageOf([transform, horizontalFlip()], columns, rows);
        const used = new TransformRandom(key.seed);
        place(stage, columns, rows, other, used);
        expect(place(stage, columns, rows, key, used)).toEqual(place(stage, columns, rows, key));
      }),
      runs,
    );
  });
});

describe("crops and flips one after the other", () => {
  it("show the same pixels as if each had made an image", () => {
    const steps = fc.array(fc.oneof(fc.constant("flip" as const), fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat())), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }), steps, (columns, rows, list) => {
        let pixels = Array.from({ length: rows }, (_, y) => Array.from({ length: columns }, (__, x) => `${x},${y}`));
        const shown = createGeometry();
        showAll(shown, columns, rows);
        for (const step of list) {
          if (step === "flip") {
            shown.flip = !shown.flip;
            pixels = pixels.map((row) => row.toReversed());
            continue;
          }
          const [a, b, c, d] = step;
          const width = 1 + (a % shown.columns);
          const height = 1 + (b % shown.rows);
          const x = c % (shown.columns - width + 1);
          const y = d % (shown.rows - height + 1);
          crop(shown, x, y, width, height);
          pixels = pixels.slice(y, y + height).map((row) => row.slice(x, x + width));
        }
        const seen = Array.from({ length: shown.height }, (_, y) => {
          const row = Array.from({ length: shown.width }, (__, x) => `${shown.x + x},${shown.y + y}`);
          return shown.flip ? row.toReversed() : row;
        });
        expect(seen).toEqual(pixels);
      }),
      runs,
    );
  });
});

describe("the random transforms", () => {
  it("draw anew for each epoch, sample, seed and place in the list", () => {
    const stage = stageOf([randomResizedCrop(8)], 100, 80);
    const shift = stageOf([horizontalFlip({ fraction: 0 }), randomResizedCrop(8)], 100, 80);
    const base = { seed: 1, epoch: 2, sample: 3 };
    const boxes = [
      place(stage, 100, 80, base),
      place(stage, 100, 80, { ...base, seed: 2 }),
      place(stage, 100, 80, { ...base, epoch: 3 }),
      place(stage, 100, 80, { ...base, sample: 4 }),
      place(stage, 100, 80, { ...base, sample: 3 + 2 ** 32 }),
      place(shift, 100, 80, base),
    ];
    expect(new Set(boxes.map((box) => JSON.stringify(box))).size).toBe(boxes.length);
  });

  it("flip the asked fraction of the samples", () => {
    const stage = stageOf([horizontalFlip({ fraction: 0.3 })], 10, 10);
    const samples = 4000;
    let flips = 0;
    for (let sample = 0; sample < samples; sample++)
      if (place(stage, 10, 10, { seed: 1, epoch: 0, sample }).flip) flips++;
    // Five standard deviations of the binomial distribution.
    expect(Math.abs(flips - 0.3 * samples)).toBeLessThan(5 * Math.sqrt(samples * 0.3 * 0.7));
  });

  it("cut out areas and aspect ratios of the asked ranges, and all of them", () => {
    const stage = stageOf([randomResizedCrop(8, { scale: [0.2, 0.5], ratio: [0.5, 2] })], 500, 400);
    const areas: number[] = [];
    const ratios: number[] = [];
    for (let sample = 0; sample < 2000; sample++) {
      const { width, height } = place(stage, 500, 400, { seed: 1, epoch: 0, sample });
      areas.push((width * height) / (500 * 400));
      ratios.push(width / height);
    }
    expect([Math.min(...areas), Math.max(...areas)]).toEqual([expect.closeTo(0.2, 1), expect.closeTo(0.5, 1)]);
    expect([Math.min(...ratios), Math.max(...ratios)]).toEqual([expect.closeTo(0.5, 1), expect.closeTo(2, 0)]);
  });

  it("take the middle where no part fits", () => {
    const stage = stageOf([randomResizedCrop(8, { scale: [1, 1], ratio: [1, 1] })], 100, 10);
    expect(place(stage, 100, 10, { seed: 1, epoch: 0, sample: 0 })).toMatchObject({
      x: 45,
      y: 0,
      width: 10,
      height: 10,
    });
  });
});

describe("the fixed transforms", () => {
  it("resize covers with the middle, or stretches all of it", () => {
    const key = { seed: 0, epoch: 0, sample: 0 };
    expect(place(stageOf([resize(10)], 40, 20), 40, 20, key)).toMatchObject({ x: 10, y: 0, width: 20, height: 20 });
    expect(place(stageOf([resize([10, 30])], 30, 30), 30, 30, key)).toMatchObject({
      x: 0,
      y: 10,
      width: 30,
      height: 10,
    });
    expect(place(stageOf([resize(10, { fit: "fill" })], 40, 20), 40, 20, key)).toMatchObject({ width: 40, height: 20 });
  });

  it("resize and centerCrop together are the evaluation of ImageNet", () => {
    const stage = stageOf([resize(256), centerCrop(224)], 512, 1024);
    const shown = place(stage, 512, 1024, { seed: 0, epoch: 0, sample: 0 });
    expect(shown).toMatchObject({ x: 32, y: 288, width: 448, height: 448, columns: 224, rows: 224 });
  });
});
