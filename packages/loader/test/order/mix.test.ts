import { bindOrder, shuffle } from "@millrace/loader";
import { count, SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bindMix, partSeed, shareOut, type MixPart } from "../../dist/order/mix.js";

const cases = fc.record({
  parts: fc.array(
    fc.record({ length: fc.integer({ min: 1, max: 200 }), weight: fc.double({ min: 0.1, max: 10, noNaN: true }) }),
    { minLength: 1, maxLength: 6 },
  ),
  length: fc.integer({ min: 400, max: 900 }),
  seed: fc.nat(2 ** 40),
});
const runs = { seed: SEED, numRuns: count(30, 600) };

function partsOf(parts: readonly { readonly length: number; readonly weight: number }[], seed: number): MixPart[] {
  let start = 0;
  return parts.map(({ length, weight }, number) => {
    const part = { order: bindOrder(shuffle({ seed: partSeed(seed, number) }), length), start, weight };
    start += length;
    return part;
  });
}

function partAt(parts: readonly MixPart[], sample: number): number {
  return parts.findLastIndex((part) => part.start <= sample);
}

describe("a mix", () => {
  it("gives each part its share, to one sample, in an epoch, and in each window of 64 but for one a fork", () => {
    fc.assert(
      fc.property(cases, fc.nat(10), ({ parts: shapes, length, seed }, epoch) => {
        const parts = partsOf(shapes, seed);
        const bound = bindMix(parts, length, seed);
        const total = shapes.reduce((sum, part) => sum + part.weight, 0);
        const counts = parts.map(() => 0);
        for (let position = 0; position < length; position++) {
          counts[partAt(parts, bound.at(epoch, position))]! += 1;
          if ((position + 1) % 64 !== 0 && position !== length - 1) continue;
          const slack = position === length - 1 ? 1 : 1 + Math.ceil(Math.log2(parts.length));
          for (const [part, { weight }] of shapes.entries())
            expect(Math.abs((counts[part] as number) - ((position + 1) * weight) / total)).toBeLessThanOrEqual(slack);
        }
      }),
      runs,
    );
  });

  it("visits all samples of a part before any of them again, across epochs", () => {
    fc.assert(
      fc.property(cases, ({ parts: shapes, length, seed }) => {
        const parts = partsOf(shapes, seed);
        const bound = bindMix(parts, length, seed);
        const visits = parts.map((): number[] => []);
        for (let epoch = 0; epoch < 3; epoch++) {
          const seen = parts.map((): [place: number, sample: number][] => []);
          for (let position = 0; position < length; position++) {
            const sample = bound.at(epoch, position);
            seen[partAt(parts, sample)]!.push([position, sample]);
          }
          for (const [part, list] of seen.entries()) visits[part]!.push(...list.map(([, sample]) => sample));
        }
        for (const [part, { order }] of parts.entries()) {
          // Within a window positions are mixed, so passes may overlap by a window.
          const times = new Map<number, number>();
          for (const sample of visits[part]!) times.set(sample, (times.get(sample) ?? 0) + 1);
          const passes = visits[part]!.length / order.length;
          for (const found of times.values()) expect(Math.abs(found - passes)).toBeLessThanOrEqual(1);
        }
      }),
      runs,
    );
  });

  it("gives every rank each part", () => {
    const parts = partsOf([{ length: 500, weight: 1 }, { length: 500, weight: 1 }], 0); // prettier-ignore
    const bound = bindMix(parts, 1000, 0);
    for (const worldSize of [2, 4, 8]) {
      for (let rank = 0; rank < worldSize; rank++) {
        let first = 0;
        for (let position = rank; position < 1000; position += worldSize) if (bound.at(0, position) < 500) first++;
        expect(Math.abs(first / (1000 / worldSize) - 0.5)).toBeLessThan(0.15);
      }
    }
  });

  it("without weights of its own makes an epoch of every sample once", () => {
    const parts = partsOf([{ length: 30, weight: 30 }, { length: 70, weight: 70 }], 1); // prettier-ignore
    const bound = bindMix(parts, 100, 1);
    expect(bound.repeats).toBe(false);
    expect(new Set(Array.from({ length: 100 }, (_, position) => bound.at(5, position))).size).toBe(100);
  });

  it("stands where it should at the last epoch that there can be", () => {
    const parts = partsOf([{ length: 7, weight: 1 }, { length: 3, weight: 2 }], 1); // prettier-ignore
    const bound = bindMix(parts, 2 ** 32 - 1, 1);
    for (const position of [0, 1, 2 ** 31, 2 ** 32 - 2]) {
      const sample = bound.at(2 ** 32 - 1, position);
      expect(Number.isInteger(sample) && sample >= 0 && sample < 10).toBe(true);
    }
  });

  it("refuses a weight too small for a single place", () => {
    const parts = partsOf([{ length: 5, weight: 1 }, { length: 5, weight: 1e-9 }], 0); // prettier-ignore
    expect(() => bindMix(parts, 10, 0)).toThrow(/option weight: data set 1 has no place/u);
  });
});

it("a mix refuses more positions than its arithmetic is exact for", () => {
  const parts = partsOf([{ length: 7, weight: 1 }, { length: 3, weight: 2 }], 1); // prettier-ignore
  expect(() => bindMix(parts, 2 ** 32, 1)).toThrow(
    /option path: too many samples to mix; expected at most 4294967295/u,
  );
});

describe("shareOut", () => {
  it("sums to the length, and is off by less than one", () => {
    const lists = fc.array(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(lists, fc.nat(2 ** 32 - 1), (weights, length) => {
        const counts = shareOut(weights, length);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        expect(counts.reduce((sum, found) => sum + found, 0)).toBe(length);
        for (const [i, found] of counts.entries())
          expect(Math.abs(found - ((weights[i] as number) * length) / total)).toBeLessThan(1.001);
      }),
      runs,
    );
  });
});
