import {
  bindOrder,
  blockShuffle,
  classBalanced,
  filter,
  sequential,
  shuffle,
  weighted,
  type BoundOrder,
  type Order,
} from "@millrace/loader";
import { count, SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bindMix, partSeed } from "../../dist/order/mix.js";
import { planRank, rankPosition } from "../../dist/order/rank.js";

/** Every order that visits each sample once. A new one is one line here. */
const PERMUTATIONS: readonly [name: string, make: (seed: number) => Order][] = [
  ["sequential", (seed) => sequential({ seed })],
  ["shuffle", (seed) => shuffle({ seed })],
  ["blockShuffle", (seed) => blockShuffle({ seed, blockSize: 7, windowBlocks: 5 })],
  ["blockShuffle of single samples", (seed) => blockShuffle({ seed, blockSize: 1, windowBlocks: 1 })],
  ["blockShuffle of one block", (seed) => blockShuffle({ seed, blockSize: 5000, windowBlocks: 3 })],
];

/** Labels of samples, three classes of different sizes. */
function labelsOf(length: number): Int32Array {
  return Int32Array.from({ length }, (_, sample) => (sample % 7 === 0 ? 2 : sample % 3 === 0 ? 1 : 0));
}

/** Every order there is, bound. A new one is one line here. */
const ORDERS: readonly [name: string, bind: (seed: number, length: number) => BoundOrder][] = [
  ...PERMUTATIONS.map(([name, make]): [string, (seed: number, length: number) => BoundOrder] => [
    name,
    (seed, length) => bindOrder(make(seed), length),
  ]),
  [
    "weighted by samples",
    (seed, length) => bindOrder(weighted({ seed, weights: labelsOf(length).map((l) => l + 1) }), length),
  ],
  [
    "weighted by classes",
    (seed, length) => bindOrder(weighted({ seed, classWeights: [1, 0.5, 4] }), length, { labels: labelsOf(length) }),
  ],
  ["classBalanced", (seed, length) => bindOrder(classBalanced({ seed }), length, { labels: labelsOf(length) })],
  [
    "filter",
    (seed, length) =>
      bindOrder(filter({ labels: [2], order: shuffle({ seed }) }), length, { labels: labelsOf(length) }),
  ],
  [
    "a mix",
    (seed, length) =>
      bindMix(
        [
          { order: bindOrder(shuffle({ seed: partSeed(seed, 0) }), length), start: 0, weight: 3 },
          { order: bindOrder(shuffle({ seed: partSeed(seed, 1) }), 10), start: length, weight: 1 },
        ],
        length + 10,
        seed,
      ),
  ],
];

const seeds = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const epochs = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const runs = { numRuns: count(25, 1000), seed: SEED };

function epochOf(order: Order, length: number, epoch: number): number[] {
  const bound = bindOrder(order, length);
  return Array.from({ length }, (_, position) => bound.at(epoch, position));
}

describe.each(PERMUTATIONS)("the order %s", (_name, make) => {
  it("visits every sample once in every epoch", () => {
    fc.assert(
      fc.property(seeds, epochs, fc.integer({ min: 1, max: 3000 }), (seed, epoch, length) => {
        const samples = epochOf(make(seed), length, epoch);
        expect(samples.toSorted((a, b) => a - b)).toEqual(samples.map((_, sample) => sample));
      }),
      runs,
    );
  });

  it("reaches any position of 2^40 samples, and no sample twice", () => {
    fc.assert(
      fc.property(seeds, fc.uniqueArray(fc.integer({ min: 0, max: 2 ** 40 - 1 }), { minLength: 500 }), (seed, at) => {
        const bound = bindOrder(make(seed), 2 ** 40);
        const samples = at.map((position) => bound.at(3, position));
        expect(new Set(samples).size).toBe(at.length);
        for (const sample of samples) expect(sample >= 0 && sample < 2 ** 40 && Number.isInteger(sample)).toBe(true);
      }),
      { ...runs, numRuns: count(5, 100) },
    );
  });
});

describe.each(ORDERS)("the order %s", (_name, bind) => {
  it("gives the same sample whatever was asked before", () => {
    const asked = fc.array(fc.tuple(fc.nat(5), fc.nat(999)), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(seeds, asked, (seed, questions) => {
        const kept = bind(seed, 1000);
        for (const [epoch, place] of questions) {
          const position = place % kept.length;
          expect(kept.at(epoch, position)).toBe(bind(seed, 1000).at(epoch, position));
        }
      }),
      { ...runs, numRuns: count(10, 300) },
    );
  });

  it("gives samples that there are, and none twice unless it says so", () => {
    fc.assert(
      fc.property(seeds, epochs, fc.integer({ min: 1, max: 500 }), (seed, epoch, length) => {
        const bound = bind(seed, length);
        const samples = Array.from({ length: bound.length }, (_, position) => bound.at(epoch, position));
        for (const sample of samples)
          expect(sample >= 0 && sample < length + 10 && Number.isInteger(sample)).toBe(true);
        expect(bound.repeats || new Set(samples).size === samples.length).toBe(true);
      }),
      { ...runs, numRuns: count(20, 300) },
    );
  });

  it("is divided among ranks without gap or overlap, from any position on, however their number changes", () => {
    const cut = fc.record({ samples: fc.integer({ min: 1, max: 400 }), first: fc.integer({ min: 1, max: 7 }) });
    fc.assert(
      fc.property(seeds, cut, fc.nat(50), fc.integer({ min: 1, max: 7 }), (seed, { samples, first }, steps, second) => {
        const bound = bind(seed, samples);
        const { length } = bound;
        const start = Math.min(steps, Math.floor(length / first)) * first;
        const positions = Array.from({ length: start }, (_, position) => position);
        const seen = positions.map((position) => bound.at(1, position));
        for (let rank = 0; rank < second; rank++) {
          const options = { length, start, skipped: 0, rank, worldSize: second, dropLast: true };
          for (let i = 0; i < planRank(options).samples; i++) {
            positions.push(rankPosition(options, i));
            seen.push(bound.at(1, rankPosition(options, i)));
          }
        }
        expect(new Set(positions).size).toBe(positions.length);
        expect(length - positions.length).toBeLessThan(second);
        expect(bound.repeats || new Set(seen).size === seen.length).toBe(true);
      }),
      { ...runs, numRuns: count(20, 300) },
    );
  });
});

describe("shuffle", () => {
  it("differs by epoch and by seed", () => {
    const one = epochOf(shuffle({ seed: 1 }), 100, 0);
    expect(epochOf(shuffle({ seed: 1 }), 100, 1)).not.toEqual(one);
    expect(epochOf(shuffle({ seed: 2 }), 100, 0)).not.toEqual(one);
    expect(epochOf(shuffle({ seed: 1 + 2 ** 32 }), 100, 0)).not.toEqual(one);
    expect(epochOf(shuffle({ seed: 1 }), 100, 0)).toEqual(one);
  });

  it.each([2, 3, 5, 10, 64])("puts each of %i samples at each place equally often", (length) => {
    const bound = bindOrder(shuffle(), length);
    const trials = count(1000, 4000) * length;
    const counts = new Float64Array(length * length);
    for (let epoch = 0; epoch < trials; epoch++) {
      const at = epoch % length;
      counts[at * length + bound.at(epoch, at)]! += 1;
    }
    const expected = trials / length / length;
    const chiSquare = counts.reduce((sum, found) => sum + (found - expected) ** 2 / expected, 0);
    const degrees = length * (length - 1);
    // Six standard deviations of the chi-square distribution, whose variance is twice its degrees of freedom.
    expect(chiSquare).toBeLessThan(degrees + 6 * Math.sqrt(2 * degrees));
  });

  it("reaches every order of three samples", () => {
    const orders = new Set(Array.from({ length: 200 }, (_, epoch) => epochOf(shuffle(), 3, epoch).join()));
    expect(orders.size).toBe(6);
  });
});
