import { stratifiedShare } from "@millrace/ingest";
import { count, SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { expect, it } from "vitest";

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

it("gives every class its share, and the largest remainders what rounding leaves over", () => {
  expect(stratifiedShare([100, 50, 10], 0.1)).toEqual([10, 5, 1]);
  expect(stratifiedShare([6, 7, 7], 0.25)).toEqual([1, 2, 2]);
  expect(stratifiedShare([1, 1, 1, 1], 0.5)).toEqual([0, 0, 0, 0]);
  expect(stratifiedShare([2, 2, 0], 0.9)).toEqual([1, 1, 0]);
  expect(stratifiedShare([], 0.5)).toEqual([]);
});

it("makes up the whole share to a sample where no class is too small for it", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 2, max: 500 }), { minLength: 1, maxLength: 30 }),
      fc.double({ min: 0, max: 0.5, noNaN: true }),
      (counts, fraction) => {
        const shares = stratifiedShare(counts, fraction);
        expect(sum(shares)).toBe(Math.round(sum(counts) * fraction));
        shares.forEach((share, i) => expect(Math.abs(share - (counts[i] as number) * fraction)).toBeLessThan(1));
      },
    ),
    { numRuns: count(200, 5000), seed: SEED },
  );
});
