import {
  centerCrop,
  horizontalFlip,
  pad,
  randomCrop,
  randomResizedCrop,
  resize,
  verticalFlip,
  type GeometricTransform,
} from "@millrace/loader";
import { count, SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createGeometry, crop, enlarge, showAll, type Geometry } from "../../dist/transforms/geometry.js";
import { placeImage, planTransforms, type ImageStage } from "../../dist/transforms/plan.js";
import { TransformRandom } from "../../dist/transforms/transform-random.js";

/** Every transform that moves pixels. A new one is one line here. */
const TRANSFORMS: readonly [name: string, transform: GeometricTransform][] = [
  ["randomResizedCrop", randomResizedCrop([20, 30])],
  ["centerCrop", centerCrop([7, 9])],
  ["resize, cover", resize([16, 8])],
  ["resize, fill", resize([16, 8], { fit: "fill" })],
  ["resize, outside", resize([16, 8], { fit: "outside" })],
  ["horizontalFlip", horizontalFlip()],
  ["verticalFlip", verticalFlip()],
  ["randomCrop", randomCrop([8, 9])],
];

/** Every transform that may show what is outside of the source. */
const MARGINS: readonly [name: string, transform: GeometricTransform][] = [
  ["pad", pad([1, 2, 3, 4], { fill: [1, 2, 3] })],
  ["randomCrop with padding", randomCrop([8, 9], { padding: 4 })],
  ["randomCrop with what it needs", randomCrop([700, 9], { padIfNeeded: true })],
];

const sources = fc.record({ columns: fc.integer({ min: 9, max: 600 }), rows: fc.integer({ min: 9, max: 600 }) });
const keys = fc.record({ epoch: fc.nat(1000), sample: fc.nat(2 ** 40), seed: fc.nat(2 ** 40) });
const runs = { numRuns: count(100, 2000), seed: SEED };

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
});

describe.each(MARGINS)("%s", (_name, transform) => {
  it("shows whole pixels at the size that was planned, some of the source among them or next to it", () => {
    fc.assert(
      fc.property(sources, keys, ({ columns, rows }, key) => {
        const stage = stageOf([transform, horizontalFlip(), verticalFlip()], columns, rows);
        const shown = place(stage, columns, rows, key);
        expect(stage.fill).toHaveLength(3);
        expect([shown.rows, shown.columns]).toEqual([stage.height, stage.width]);
        expect([shown.height, shown.width]).toEqual([stage.height, stage.width]);
        expect(Number.isInteger(shown.x) && Number.isInteger(shown.y)).toBe(true);
        expect(shown.x <= columns && shown.y <= rows && shown.x + shown.width >= 0).toBe(true);
      }),
      runs,
    );
  });
});

describe.each([...TRANSFORMS, ...MARGINS])("%s", (_name, transform) => {
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
    const steps = fc.array(
      fc.oneof(
        fc.constant("flip" as const),
        fc.constant("flipVertical" as const),
        fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat()),
      ),
      { maxLength: 8 },
    );
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
          if (step === "flipVertical") {
            shown.flipVertical = !shown.flipVertical;
            pixels = pixels.toReversed();
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
        expect(shown.flipVertical ? seen.toReversed() : seen).toEqual(pixels);
      }),
      runs,
    );
  });

  it("put margins where the image has its sides, mirrored or not", () => {
    const shown = createGeometry();
    showAll(shown, 10, 20);
    enlarge(shown, 1, 2, 3, 4);
    expect(shown).toMatchObject({ x: -1, y: -2, width: 14, height: 26, columns: 14, rows: 26 });
    showAll(shown, 10, 20);
    shown.flip = true;
    shown.flipVertical = true;
    enlarge(shown, 1, 2, 3, 4);
    expect(shown).toMatchObject({ x: -3, y: -4, width: 14, height: 26, columns: 14, rows: 26 });
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

describe("randomCrop", () => {
  it("draws every place equally often, margins included", () => {
    const stage = stageOf([randomCrop(4, { padding: [1, 0, 2, 0] })], 5, 6);
    const counts = new Map<string, number>();
    const samples = 6000;
    for (let sample = 0; sample < samples; sample++) {
      const { x, y } = place(stage, 5, 6, { seed: 1, epoch: 0, sample });
      counts.set(`${x},${y}`, (counts.get(`${x},${y}`) ?? 0) + 1);
    }
    // Five columns from -1, three rows from 0.
    expect(counts.size).toBe(15);
    for (const found of counts.values()) expect(Math.abs(found - samples / 15)).toBeLessThan(100);
  });

  it("refuses an image that is smaller, unless it may have a margin", () => {
    const plan = planTransforms([randomCrop([8, 9])], { size: undefined, channels: 3 }, undefined);
    const key = { seed: 0, epoch: 0, sample: 0 };
    expect(() => place(plan.stages[0] as ImageStage, 8, 8, key)).toThrow(
      /smaller than the crop; expected at least 9 x 8, found 8 x 8; put resize before randomCrop, or give it padIfNeeded/u,
    );
    const padded = stageOf([randomCrop([8, 9], { padIfNeeded: true })], 5, 20);
    const { x, width, height } = place(padded, 5, 20, key);
    expect([width, height, x >= -4 && x <= 0]).toEqual([9, 8, true]);
  });
});

describe("the fixed transforms", () => {
  it("centerCrop rounds half of an odd remainder to the even pixel, as torchvision does", () => {
    const key = { seed: 0, epoch: 0, sample: 0 };
    const lefts = [4, 5, 6, 7, 8, 9].map(
      (columns) => place(stageOf([centerCrop([1, 4])], columns, 1), columns, 1, key).x,
    );
    expect(lefts).toEqual([0, 0, 1, 2, 2, 2]);
  });

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
    const all = stageOf([resize(10, { fit: "outside" })], 41, 20);
    expect([all.height, all.width]).toEqual([10, 20]);
    expect(place(all, 41, 20, key)).toMatchObject({ x: 0, y: 0, width: 41, height: 20, columns: 20, rows: 10 });
    const tall = stageOf([resize([10, 30], { fit: "outside" })], 60, 50);
    expect([tall.height, tall.width]).toEqual([25, 30]);
  });

  it("resize and centerCrop together are the evaluation of ImageNet", () => {
    const stage = stageOf([resize(256), centerCrop(224)], 512, 1024);
    const shown = place(stage, 512, 1024, { seed: 0, epoch: 0, sample: 0 });
    expect(shown).toMatchObject({ x: 32, y: 288, width: 448, height: 448, columns: 224, rows: 224 });
  });
});
