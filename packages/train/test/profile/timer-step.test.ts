import { timerStep } from "@millrace/train";
import { SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HandClock } from "../hand-clock.js";
import { millraceError } from "../rejection.js";

describe("timerStep", () => {
  it("takes its time on average, whatever a timer that is late by up to a millisecond adds", async () => {
    const late = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 50, maxLength: 50 });
    await fc.assert(
      fc.asyncProperty(late, fc.double({ min: 0.3, max: 60, noNaN: true }), async (delays, ms) => {
        const clock = new HandClock();
        let n = 0;
        const sleep = (whole: number): Promise<void> => {
          clock.pass(whole + (delays[n++ % delays.length] as number));
          return Promise.resolve();
        };
        const step = timerStep(ms, { clock, sleep });
        for (let steps = 0; steps < 50; steps++) await step();
        expect(Math.abs(step.sumMs - 50 * ms)).toBeLessThan(2.1);
      }),
      { seed: SEED, numRuns: 50 },
    );
  });

  it("does not make up for a delay of the process, as a device would not", async () => {
    const clock = new HandClock();
    let extraMs = 500;
    const sleep = (ms: number): Promise<void> => {
      clock.pass(ms + extraMs);
      extraMs = 0;
      return Promise.resolve();
    };
    const step = timerStep(50, { clock, sleep });
    await step();
    await step();
    expect(step.tookMs()).toEqual([550, 48]);
  });

  it("keeps a log of what its steps really took", async () => {
    const step = timerStep(5);
    const start = performance.now();
    for (let steps = 0; steps < 4; steps++) await step();
    const passedMs = performance.now() - start;
    expect([step.ms, step.count]).toEqual([5, 4]);
    expect(step.tookMs()).toHaveLength(4);
    expect(step.sumMs).toBeCloseTo(
      step.tookMs().reduce((sum, ms) => sum + ms, 0),
      9,
    );
    expect(step.sumMs).toBeLessThanOrEqual(passedMs);
  });

  it("refuses a time that is none", async () => {
    for (const ms of [0, -1, Number.NaN, Infinity]) {
      const error = await millraceError(Promise.resolve().then(() => timerStep(ms)));
      expect(error.detail.option).toBe("ms");
    }
  });
});
