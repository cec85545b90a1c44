import { learningRateAt, type Schedule } from "@millrace/train";
import { SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

const cosine: Schedule = { name: "cosine", learningRate: 0.8, warmupSteps: 4, totalSteps: 104 };

describe("learningRateAt", () => {
  it("grows linearly to its full value in the warm-up", () => {
    expect([0, 1, 2, 3].map((step) => learningRateAt(step, cosine))).toEqual([0.2, 0.4, 0.6000000000000001, 0.8]);
  });

  it("falls along half a cosine, from the full value through its half to zero", () => {
    expect(learningRateAt(4, cosine)).toBe(0.8);
    expect(learningRateAt(54, cosine)).toBeCloseTo(0.4, 12);
    expect(learningRateAt(104, cosine)).toBeCloseTo(0, 12);
    expect(learningRateAt(1000, cosine)).toBeCloseTo(0, 12);
  });

  it("stays where it is if it is constant", () => {
    const constant: Schedule = { ...cosine, name: "constant", totalSteps: Infinity };
    expect([4, 50, 1e6].map((step) => learningRateAt(step, constant))).toEqual([0.8, 0.8, 0.8]);
  });

  it("is never above the full value nor below zero, and never rises after the warm-up", () => {
    const schedules = fc.record({
      name: fc.constant("cosine" as const),
      learningRate: fc.double({ min: 1e-6, max: 10, noNaN: true }),
      warmupSteps: fc.nat(20),
      totalSteps: fc.nat(200),
    });
    fc.assert(
      fc.property(schedules, fc.nat(250), (schedule, step) => {
        const rate = learningRateAt(step, schedule);
        expect(rate).toBeGreaterThanOrEqual(0);
        expect(rate).toBeLessThanOrEqual(schedule.learningRate);
        const later = learningRateAt(Math.max(step, schedule.warmupSteps) + 1, schedule);
        expect(later).toBeLessThanOrEqual(learningRateAt(Math.max(step, schedule.warmupSteps), schedule) + 1e-12);
      }),
      { seed: SEED },
    );
  });
});
