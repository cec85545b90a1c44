import { advise, judge, summarizeSteps, type Advice, type StepTimes } from "@millrace/train";
import { describe, expect, it } from "vitest";
import { makeStep } from "../make-step.js";

function adviceOn(steps: readonly StepTimes[]): Advice[] {
  return advise(summarizeSteps(steps), judge(steps));
}

function repeat(parts: Parameters<typeof makeStep>[0], steps = 100): StepTimes[] {
  return Array.from({ length: steps }, () => makeStep(parts));
}

describe("advise", () => {
  it("ranks by the time that is at stake, with the most that each could gain", () => {
    const advice = adviceOn(repeat({ fetch: 9, prep: 29, copy: 2, compute: 60 }));
    expect(advice.map(({ code }) => code)).toEqual(["prep", "fetch", "copy"]);
    expect(advice[0]?.gain).toBeCloseTo(100 / 71, 12);
    expect(advice[0]?.text).toContain("29 % of step time: more workers");
  });

  it("says first that the device is the limit where it is, and what a faster loader could gain at most", () => {
    const [first] = adviceOn(repeat({ fetch: 1, compute: 99 }));
    expect(first).toMatchObject({ code: "compute", gain: undefined });
    expect(first?.text).toContain("can gain no more than 1.01x");
  });

  it("says of a stall that is not divided that its source does not say why", () => {
    const steps = repeat({ fetch: 10, compute: 10 }).map((step) => ({
      ...step,
      fetchStallMs: undefined,
      prepStallMs: undefined,
    }));
    expect(adviceOn(steps).map(({ code }) => code)).toEqual(["stall"]);
  });

  it("has no line for less than 2 % of the time", () => {
    expect(adviceOn(repeat({ prep: 20, copy: 1, compute: 79 })).map(({ code }) => code)).toEqual(["prep"]);
  });

  it("names the part that slows stragglers down", () => {
    const steps = repeat({ compute: 10 });
    for (const at of [3, 33, 63]) steps[at] = makeStep({ compute: 110 });
    const straggler = adviceOn(steps).find(({ code }) => code === "stragglers");
    expect(straggler?.text).toBe(
      "3 of 100 steps are much slower than the median, mostly by compute; the slowest cost 23 % of the time.",
    );
  });
});
