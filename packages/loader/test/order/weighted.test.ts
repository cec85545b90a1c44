import { bindOrder, classBalanced, filter, sequential, shuffle, weighted, type BoundOrder } from "@millrace/loader";
import { SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AliasTable } from "../../dist/order/alias-table.js";

/** How often each of `samples` comes in the first epochs. */
function countsOf(order: BoundOrder, samples: number, epochs: number): number[] {
  const counts = Array.from({ length: samples }, () => 0);
  for (let epoch = 0; epoch < epochs; epoch++)
    for (let position = 0; position < order.length; position++) counts[order.at(epoch, position)]! += 1;
  return counts;
}

/** Expects each count within five standard deviations of its share. */
function expectShares(counts: readonly number[], weights: readonly number[]): void {
  const trials = counts.reduce((sum, found) => sum + found, 0);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  for (const [i, found] of counts.entries()) {
    const share = (weights[i] as number) / total;
    expect(Math.abs(found - trials * share)).toBeLessThanOrEqual(5 * Math.sqrt(trials * share * (1 - share)));
  }
}

describe("AliasTable", () => {
  it("gives each index its share of all columns and coins, and none to a weight of zero", () => {
    const lists = fc
      .array(fc.oneof(fc.constant(0), fc.double({ min: 1e-9, max: 1e9, noNaN: true })), { minLength: 1, maxLength: 40 })
      .filter((weights) => weights.some((weight) => weight > 0));
    fc.assert(
      fc.property(lists, (weights) => {
        const table = new AliasTable(weights);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const shares = weights.map(() => 0);
        const coins = 2000;
        for (let column = 0; column < weights.length; column++)
          for (let coin = 0; coin < coins; coin++)
            shares[table.draw((column + 0.5) / weights.length, (coin + 0.5) / coins)]! += 1 / coins / weights.length;
        for (const [i, weight] of weights.entries()) {
          expect(Math.abs((shares[i] as number) - weight / total)).toBeLessThan(1 / coins);
          expect(weight > 0 || shares[i] === 0).toBe(true);
        }
      }),
      { seed: SEED, numRuns: 50 },
    );
  });
});

describe("weighted", () => {
  it("draws samples in proportion to their weights, with replacement", () => {
    const weights = [0, 1, 2, 3, 10, 0.5, 0, 7];
    const bound = bindOrder(weighted({ seed: 5, weights }), 8);
    expect([bound.length, bound.repeats]).toEqual([8, true]);
    expectShares(countsOf(bound, 8, 2000), weights);
  });

  it("draws as many samples an epoch as it is told", () => {
    expect(bindOrder(weighted({ weights: [1, 1], draws: 1000 }), 2).length).toBe(1000);
  });

  it("draws each sample with the weight of its class", () => {
    const labels = Int32Array.of(0, 0, 0, 1, 3, 3);
    const bound = bindOrder(weighted({ classWeights: [1, 2, 9, 4] }), 6, { labels });
    expectShares(countsOf(bound, 6, 2000), [1, 1, 1, 2, 4, 4]);
  });

  it("takes weights of classes as large as numbers go", () => {
    const labels = Int32Array.of(0, 0, 0, 1, 1);
    const bound = bindOrder(weighted({ classWeights: [Number.MAX_VALUE, Number.MAX_VALUE / 2] }), 5, { labels });
    expectShares(countsOf(bound, 5, 2000), [2, 2, 2, 1, 1]);
  });

  it("finds no more alike in neighbouring positions and epochs than chance does", () => {
    const bound = bindOrder(weighted({ weights: [1, 1], draws: 20_000 }), 2);
    let same = 0;
    for (let position = 0; position < 19_999; position++)
      if (bound.at(0, position) === bound.at(0, position + 1)) same++;
    for (let position = 0; position < 20_000; position++) if (bound.at(0, position) === bound.at(1, position)) same++;
    expectShares([same, 39_999 - same], [1, 1]);
  });

  it.each<[string, () => unknown, RegExp]>([
    ["a negative weight", () => weighted({ weights: [1, -1] }), /weights is impossible.*from 0 up/u],
    ["NaN", () => weighted({ weights: [Number.NaN, 1] }), /weights is impossible.*found \[NaN, 1\]/u],
    ["infinity", () => weighted({ classWeights: [Infinity] }), /classWeights is impossible/u],
    ["weights that are all 0", () => weighted({ weights: [0, 0] }), /not all 0/u],
    ["no weights", () => weighted({ weights: [] }), /not all 0/u],
    ["both kinds", () => weighted({ weights: [1], classWeights: [1] }), /either weights or classWeights/u],
    ["neither kind", () => weighted({}), /either weights or classWeights/u],
    ["no draws", () => weighted({ weights: [1], draws: 0 }), /draws is impossible.*from 1/u],
    ["too few weights", () => bindOrder(weighted({ weights: [1] }), 2), /do not fit; expected 2 numbers.*found 1/u],
    ["no labels", () => bindOrder(classBalanced(), 2), /there are no labels/u],
    [
      "too few classWeights",
      () => bindOrder(weighted({ classWeights: [1] }), 2, { labels: Int32Array.of(0, 1) }),
      /classWeights do not fit; expected 2/u,
    ],
    [
      "weights for absent classes only",
      () => bindOrder(weighted({ classWeights: [0, 0, 1] }), 2, { labels: Int32Array.of(0, 1) }),
      /leave nothing to draw/u,
    ],
    ["a negative label", () => bindOrder(classBalanced(), 1, { labels: Int32Array.of(-1) }), /label is negative/u],
    ["a wild label", () => bindOrder(classBalanced(), 1, { labels: Int32Array.of(2 ** 30) }), /label is too large/u],
    ["the hash of weights", () => bindOrder(weighted({ weights: "0".repeat(64) as never }), 1), /weights/u],
  ])("refuses %s", (_what, make, text) => {
    expect(make).toThrow(text);
    expect(make).toThrow(/^option order: /u);
  });
});

describe("classBalanced", () => {
  it("draws each class equally often, and its samples too", () => {
    const labels = Int32Array.from({ length: 100 }, (_, sample) => (sample < 90 ? 0 : sample < 99 ? 1 : 4));
    const counts = countsOf(bindOrder(classBalanced({ seed: 2 }), 100, { labels }), 100, 300);
    const weights = Array.from(labels, (label) => 1 / ({ 0: 90, 1: 9, 4: 1 }[label] as number));
    expectShares(counts, weights);
  });
});

describe("filter", () => {
  const labels = Int32Array.of(0, 1, 2, 1, 0, 2, 1);

  it("visits the samples of the labels only, in the order asked for", () => {
    const source = { labels, classes: ["a", "b", "c"] };
    const numbered = bindOrder(filter({ labels: ["b", 2], order: sequential() }), 7, source);
    expect(Array.from({ length: numbered.length }, (_, position) => numbered.at(0, position))).toEqual([1, 2, 3, 5, 6]);
    const mixed = bindOrder(filter({ labels: [1], order: shuffle({ seed: 4 }) }), 7, source);
    const seen = Array.from({ length: 3 }, (_, position) => mixed.at(0, position));
    expect(seen.toSorted((a, b) => a - b)).toEqual([1, 3, 6]);
  });

  it("keeps the weights of the samples that it keeps", () => {
    const order = weighted({ weights: [9, 1, 9, 2, 9, 9, 3] });
    const bound = bindOrder(filter({ labels: [1], order }), 7, { labels });
    expectShares(countsOf(bound, 7, 3000), [0, 1, 0, 2, 0, 0, 3]);
    const balanced = bindOrder(filter({ labels: [1, 0], order: classBalanced() }), 7, { labels });
    expectShares(countsOf(balanced, 7, 3000), [3, 2, 0, 2, 3, 0, 2]);
  });

  it.each<[string, () => unknown, RegExp]>([
    ["no labels", () => filter({ labels: [] }), /labels is impossible.*at least one/u],
    ["half a label", () => filter({ labels: [0.5] }), /labels.*is impossible/u],
    ["another filter", () => filter({ labels: [0], order: filter({ labels: [0] }) as never }), /is impossible/u],
    ["labels that nothing has", () => bindOrder(filter({ labels: [7] }), 7, { labels }), /leaves no sample.*0, 1, 2/u],
    [
      "an unknown class",
      () => bindOrder(filter({ labels: ["d"] }), 7, { labels, classes: ["a", "b", "c"] }),
      /no such class; expected a, b, c, found d/u,
    ],
    ["a data set without labels", () => bindOrder(filter({ labels: [0] }), 7), /there are no labels/u],
    [
      "weights that do not fit",
      () => bindOrder(filter({ labels: [0], order: weighted({ weights: [1] }) }), 7, { labels }),
      /weights do not fit; expected 7/u,
    ],
  ])("refuses %s", (_what, make, text) => {
    expect(make).toThrow(text);
  });
});
