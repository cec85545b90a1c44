import { count, SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planRank, rankPosition } from "../../dist/order/rank.js";

const base = { start: 0, skipped: 0, rank: 0 };

describe("planRank", () => {
  it("gives every rank the same number of samples", () => {
    const worlds = fc.record({
      length: fc.integer({ min: 1, max: 1000 }),
      worldSize: fc.integer({ min: 1, max: 16 }),
      dropLast: fc.boolean(),
    });
    fc.assert(
      fc.property(worlds, ({ length, worldSize, dropLast }) => {
        const plan = planRank({ ...base, length, worldSize, dropLast });
        const share = length / worldSize;
        expect(plan.samples).toBe(dropLast ? Math.floor(share) : Math.ceil(share));
        const visited = new Set<number>();
        for (let rank = 0; rank < worldSize; rank++)
          for (let i = 0; i < plan.samples; i++)
            visited.add(rankPosition({ ...base, length, worldSize, dropLast, rank }, i));
        expect(visited.size).toBe(dropLast ? plan.samples * worldSize : length);
      }),
      { seed: SEED, numRuns: count(40, 100) },
    );
  });

  it("begins the order again where ranks run short", () => {
    const options = { ...base, length: 5, worldSize: 3, rank: 2, dropLast: false };
    expect(planRank(options).samples).toBe(2);
    expect([0, 1].map((index) => rankPosition(options, index))).toEqual([2, 0]);
  });

  it("goes on as if nothing had been in between, bad samples included", () => {
    const steps = fc.record({ length: fc.integer({ min: 1, max: 60 }), worldSize: fc.integer({ min: 2, max: 5 }) });
    fc.assert(
      fc.property(steps, fc.nat(10), fc.nat(5), ({ length, worldSize }, good, skipped) => {
        const whole = planRank({ ...base, length, worldSize, dropLast: false });
        const start = (good + skipped) * worldSize;
        const rest = planRank({ ...base, start, skipped, length, worldSize, dropLast: false });
        expect(rest.samples).toBe(Math.max(0, whole.samples - good));
      }),
      { seed: SEED, numRuns: count(40, 100) },
    );
  });

  it("has no positions to spare where nobody waits for the rank", () => {
    expect(planRank({ ...base, length: 10, worldSize: 1, dropLast: false })).toEqual({ samples: 10, positions: 10 });
    expect(planRank({ ...base, length: 10, worldSize: 3, dropLast: true })).toEqual({ samples: 3, positions: 3 });
    expect(planRank({ ...base, length: 10, worldSize: 3, dropLast: false }).positions).toBeGreaterThan(4);
  });
});
