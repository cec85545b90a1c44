import { headspaceOf, judge, MIN_STEPS, percent, type StepTimes } from "@millrace/train";
import { describe, expect, it } from "vitest";
import { makeStep } from "../make-step.js";

function repeat(count: number, parts: Parameters<typeof makeStep>[0]): StepTimes[] {
  return Array.from({ length: count }, () => makeStep(parts));
}

/** Steps of a loader that makes a batch in `loadMs` beside a device that takes `computeMs`: the slower one decides. */
function pipelined(loadMs: number, computeMs: number): StepTimes[] {
  return repeat(100, { prep: Math.max(0, loadMs - computeMs), compute: computeMs, other: 0.01 * computeMs });
}

function cause(fetch: number, prep: number): string | undefined {
  return judge(repeat(50, { fetch, prep, compute: 10 })).cause;
}

describe("judge", () => {
  it("names the slower of loader and device wherever one is 10 % slower", () => {
    for (const ratio of [1.12, 1.25, 2, 10]) {
      expect(judge(pipelined(20 * ratio, 20)).kind).toBe("input-bound");
      expect(judge(pipelined(20, 20 * ratio)).kind).toBe("compute-bound");
    }
  });

  it("names what causes two thirds of the stall", () => {
    expect(cause(9, 1)).toBe("fetch");
    expect(cause(1, 9)).toBe("prep");
    expect(cause(5, 5)).toBe("both");
  });

  it("names no cause for a stall that is not divided", () => {
    const steps = repeat(50, { fetch: 10, compute: 10 }).map((step) => ({
      ...step,
      fetchStallMs: undefined,
      prepStallMs: undefined,
    }));
    expect(judge(steps)).toMatchObject({ kind: "input-bound", cause: undefined });
  });

  it("calls a run copy-bound if the upload takes most of its time", () => {
    expect(judge(repeat(50, { copy: 12, compute: 8 })).kind).toBe("copy-bound");
  });

  it("calls copy and compute that differ by less than 10 % balanced", () => {
    expect(judge(repeat(50, { copy: 10, compute: 9.5 })).kind).toBe("balanced");
  });

  it("gives no verdict on fewer steps than it needs, and says how many", () => {
    const verdict = judge(repeat(MIN_STEPS - 1, { compute: 10 }));
    expect(verdict).toMatchObject({ kind: "undecided", stepsNeeded: MIN_STEPS, stallInterval: undefined });
    expect(verdict.reason).toBe("19 steps were measured, a verdict needs 20");
    expect(judge([]).kind).toBe("undecided");
  });

  it("gives no verdict on stalls so uneven that either could be true, and says how many steps would do", () => {
    const steps = repeat(40, { compute: 10 });
    steps[10] = makeStep({ prep: 80, compute: 10 });
    const verdict = judge(steps);
    expect(verdict.kind).toBe("undecided");
    expect(verdict.reason).toContain("too noisy");
    expect(verdict.stepsNeeded).toBeGreaterThan(40);
  });

  it("gives no verdict that hangs on one step", () => {
    const device = repeat(60, { prep: 0.1, compute: 10 });
    const stalled = device.with(31, makeStep({ prep: 5000, compute: 10 }));
    expect(judge(stalled)).toMatchObject({
      kind: "undecided",
      reason: "one step took 89 % of the time; with it the run is input-bound, without it compute-bound",
    });
    const input = repeat(60, { prep: 20, compute: 10 });
    expect(judge(input.with(31, makeStep({ prep: 1, compute: 90_000 }))).kind).toBe("undecided");
    expect(judge(input.with(31, makeStep({ prep: 9000, compute: 10 }))).kind).toBe("input-bound");
    expect(judge(device.with(0, makeStep({ compute: 9000 }))).kind).toBe("compute-bound");
  });

  it("calls a stall at the limit balanced if it is known well", () => {
    const steps = Array.from({ length: 400 }, (_, n) => makeStep({ prep: n % 80 < 40 ? 0.6 : 0.9, compute: 10 }));
    expect(judge(steps).kind).toBe("balanced");
  });

  it("gives no verdict on a run that mostly does something else", () => {
    expect(judge(repeat(50, { compute: 4, other: 6 }))).toMatchObject({
      kind: "undecided",
      reason: "60 % of step time is neither stall, copy nor compute",
    });
  });
});

describe("headspaceOf", () => {
  it("is the factor on throughput without the stall, at most 1,000", () => {
    expect(headspaceOf(30, 10)).toBe(1.5);
    expect(headspaceOf(30, 0)).toBe(1);
    expect(headspaceOf(30, 30)).toBe(1000);
    expect(headspaceOf(0, 0)).toBe(1);
  });
});

describe("percent", () => {
  it("has two digits, whole numbers from 10 on", () => {
    expect([0, 0.0004, 0.0384, 0.0996, 0.384, 1].map(percent)).toEqual([
      "0 %",
      "0 %",
      "3.8 %",
      "10 %",
      "38 %",
      "100 %",
    ]);
  });
});
