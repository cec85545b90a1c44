import { quantile, StepLog, summarizeSteps, timeBudget } from "@millrace/train";
import { SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeStep as step } from "./make-step.js";

const ms = fc.integer({ min: 0, max: 1000 });
const anyStep = fc.record({ fetch: ms, prep: ms, copy: ms, compute: ms, other: ms }).map(step);

describe("summarizeSteps", () => {
  it("gives fractions that add up to 1 and sums that add up to the wall time", () => {
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 1, maxLength: 50 }), (steps) => {
        const budget = summarizeSteps(steps);
        const { wall, stall, copy, compute, other } = budget;
        expect(stall.sumMs + copy.sumMs + compute.sumMs + other.sumMs).toBe(wall.sumMs);
        const all = stall.fraction + copy.fraction + compute.fraction + other.fraction;
        expect(all).toBeCloseTo(wall.sumMs > 0 ? 1 : 0, 12);
        expect((budget.fetchStall?.sumMs ?? 0) + (budget.prepStall?.sumMs ?? 0)).toBe(stall.sumMs);
      }),
      { seed: SEED },
    );
  });

  it("says the same as the log that held the steps", () => {
    const log = new StepLog();
    const steps = Array.from({ length: 40 }, (_, n) => step({ fetch: n % 7, prep: n % 3, compute: 20, other: 1 }));
    for (const one of steps)
      log.push(
        one.stallMs,
        one.fetchStallMs ?? Number.NaN,
        one.prepStallMs ?? Number.NaN,
        one.copyMs,
        one.computeMs,
        one.otherMs,
        0,
      );
    expect(timeBudget(log)).toEqual(summarizeSteps(steps));
  });

  it("has p50, p95 and p99 of each part by nearest rank", () => {
    const steps = Array.from({ length: 100 }, (_, n) => step({ compute: n + 1 }));
    expect(summarizeSteps(steps).compute).toMatchObject({ p50Ms: 50, p95Ms: 95, p99Ms: 99, sumMs: 5050, fraction: 1 });
  });

  it("names the slowest steps, and the part that made each of them slow", () => {
    const steps = Array.from({ length: 50 }, () => step({ fetch: 2, compute: 10, other: 0.5 }));
    steps[7] = step({ fetch: 40, compute: 10, other: 0.5 });
    steps[31] = step({ fetch: 2, compute: 90, other: 0.5 });
    const budget = summarizeSteps(steps);
    expect(budget.stragglerCount).toBe(2);
    expect(budget.stragglers).toEqual([
      { step: 31, wallMs: 92.5, excessMs: 80, part: "compute" },
      { step: 7, wallMs: 50.5, excessMs: 38, part: "stall" },
    ]);
  });

  it("calls no step a straggler where all differ alike", () => {
    const steps = Array.from({ length: 50 }, (_, n) => step({ compute: 10 + (n % 5) }));
    expect(summarizeSteps(steps).stragglers).toEqual([]);
  });

  it("lists ten stragglers and counts all", () => {
    const steps = Array.from({ length: 200 }, (_, n) => step({ compute: n % 10 === 0 ? 100 : 10 }));
    const budget = summarizeSteps(steps);
    expect(budget.stragglerCount).toBe(20);
    expect(budget.stragglers).toHaveLength(10);
  });

  it("has zeros for no steps", () => {
    expect(summarizeSteps([])).toMatchObject({
      steps: 0,
      wall: { sumMs: 0, fraction: 0, p99Ms: 0 },
      stragglerCount: 0,
    });
  });
});

describe("quantile", () => {
  it("is a value that a share q of the values do not exceed", () => {
    fc.assert(
      fc.property(fc.array(ms, { minLength: 1 }), fc.double({ min: 0.01, max: 1, noNaN: true }), (values, q) => {
        const value = quantile(values, q);
        expect(values).toContain(value);
        expect(values.filter((other) => other <= value).length).toBeGreaterThanOrEqual(q * values.length - 1e-9);
      }),
      { seed: SEED },
    );
  });
});
