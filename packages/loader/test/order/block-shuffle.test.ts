import { bindOrder, blockShuffle, sequential, shuffle, shuffleQuality } from "@millrace/loader";
import { count, SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

const shapes = fc.record({
  seed: fc.nat(2 ** 40),
  epoch: fc.nat(100),
  length: fc.integer({ min: 1, max: 1500 }),
  blockSize: fc.integer({ min: 1, max: 60 }),
  windowBlocks: fc.integer({ min: 1, max: 12 }),
});

describe("blockShuffle", () => {
  it("reads each block within one window, and never more blocks at a time than a window has", () => {
    fc.assert(
      fc.property(shapes, ({ epoch, length, ...options }) => {
        const bound = bindOrder(blockShuffle(options), length);
        const window = options.blockSize * options.windowBlocks;
        const firsts = new Map<number, number>();
        const lasts = new Map<number, number>();
        for (let position = 0; position < length; position++) {
          const block = Math.floor(bound.at(epoch, position) / options.blockSize);
          if (!firsts.has(block)) firsts.set(block, position);
          lasts.set(block, position);
        }
        for (const [block, first] of firsts) expect((lasts.get(block) as number) - first).toBeLessThan(window);
        for (let position = 0; position < length; position++) {
          let open = 0;
          for (const [block, first] of firsts)
            if (first <= position && (lasts.get(block) as number) >= position) open++;
          expect(open).toBeLessThanOrEqual(options.windowBlocks);
        }
      }),
      { seed: SEED, numRuns: count(20, 200) },
    );
  });

  it("puts blocks, the short one too, and samples of a window at each place equally often", () => {
    const bound = bindOrder(blockShuffle({ blockSize: 3, windowBlocks: 2 }), 10);
    const trials = count(8000, 20_000);
    const counts = new Float64Array(100);
    for (let epoch = 0; epoch < trials; epoch++)
      for (let position = 0; position < 10; position++) counts[position * 10 + bound.at(epoch, position)]! += 1;
    const expected = trials / 10;
    for (let sample = 0; sample < 9; sample++) {
      const places = Array.from({ length: 10 }, (_, position) => counts[position * 10 + sample] as number);
      for (const found of places) expect(Math.abs(found - expected)).toBeLessThan(0.2 * expected);
    }
    // Sample 9 is the short block. Its window has 4 positions, at places 0 and 1 the first, at 2 and 3 the last.
    for (const position of [0, 1, 2, 3, 6, 7, 8, 9])
      expect(Math.abs((counts[position * 10 + 9] as number) - trials / 8)).toBeLessThan(0.2 * (trials / 8));
  });

  it("is another one each epoch", () => {
    const bound = bindOrder(blockShuffle({ blockSize: 4, windowBlocks: 4 }), 100);
    const epochs = [0, 1, 2].map((epoch) => Array.from({ length: 100 }, (_, p) => bound.at(epoch, p)).join());
    expect(new Set(epochs).size).toBe(3);
  });
});

describe("shuffleQuality", () => {
  it("is 0 by number, 1 for a uniform shuffle, and one less the chance of the same block for a block shuffle", () => {
    const length = 200_000;
    expect(shuffleQuality(bindOrder(sequential(), length))).toBeLessThan(1e-6);
    expect(shuffleQuality(bindOrder(shuffle(), length))).toBeGreaterThan(0.97);
    for (const windowBlocks of [2, 4, 16]) {
      const quality = shuffleQuality(bindOrder(blockShuffle({ blockSize: 64, windowBlocks }), length));
      expect(Math.abs(quality - (1 - 1 / windowBlocks))).toBeLessThan(0.04);
    }
  });

  it("is that of Bartels' ratio where all neighbours are looked at", () => {
    const bound = bindOrder(shuffle({ seed: 3 }), 50);
    const ranks = Array.from({ length: 50 }, (_, position) => bound.at(0, position));
    const mean = 24.5;
    const differences = ranks.slice(1).reduce((sum, rank, i) => sum + (rank - (ranks[i] as number)) ** 2, 0);
    const ratio = differences / ranks.reduce((sum, rank) => sum + (rank - mean) ** 2, 0);
    // Over n - 1 pairs and n (n^2 - 1) / 12, so the ratio of a uniform permutation is 2 (n - 1) (n + 1) / (n^2 - 1).
    expect(shuffleQuality(bound)).toBeCloseTo(Math.min(1, ratio / 2), 10);
  });

  it("says 1 where there are no neighbours", () => {
    expect(shuffleQuality(bindOrder(sequential(), 1))).toBe(1);
  });
});
