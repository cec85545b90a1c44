import { isMillraceError } from "@millrace/formats";
import { parseReport, profile, reportToJson } from "@millrace/train";
import { describe, expect, it } from "vitest";
import { HandClock } from "../hand-clock.js";
import { rejection } from "../rejection.js";
import { endless } from "./fake-iterables.js";
import { never, fetching, run, type FakeBatch } from "./fake-run.js";

/** The shape of a Dataset of tfjs-data, which is no iterable. */
class Dataset {
  iterator(): Promise<unknown> {
    return Promise.resolve({ next: never });
  }
}

describe("profile", () => {
  it("With an injected 20 ms compute and 10 ms fetch per step the budget is exact on an injected clock", async () => {
    const report = await run({ clock: new HandClock() });
    expect(report.budget).toMatchObject({
      steps: 30,
      wall: { sumMs: 900, fraction: 1, p50Ms: 30 },
      stall: { sumMs: 300, p50Ms: 10 },
      fetchStall: { sumMs: 240, p50Ms: 8 },
      prepStall: { sumMs: 60, p50Ms: 2 },
      compute: { sumMs: 600, p50Ms: 20 },
      copy: { sumMs: 0 },
      other: { sumMs: 0 },
      stragglerCount: 0,
    });
    expect(report.headspace).toBe(1.5);
    expect(report.verdict).toMatchObject({ kind: "input-bound", cause: "fetch" });
    expect(report.throughput.samplesPerSec).toBeCloseTo((30 * 4 * 1000) / 900, 9);
  });

  it("counts what runs in context.copy as copy, until its promise settles", async () => {
    const clock = new HandClock();
    const report = await run({
      clock,
      step: async (_, { copy }) => {
        copy(() => clock.pass(3));
        clock.pass(5);
        await copy(async () => {
          await Promise.resolve();
          clock.pass(7);
        });
        clock.pass(11);
      },
    });
    expect(report.budget).toMatchObject({ copy: { p50Ms: 10 }, compute: { p50Ms: 16 }, stall: { p50Ms: 10 } });
  });

  it("counts the wait for the fence as compute and prints what fences cost", async () => {
    const clock = new HandClock();
    let pendingMs = 0;
    const fence = async (): Promise<void> => {
      await Promise.resolve();
      clock.pass(pendingMs + 0.5);
      pendingMs = 0;
    };
    const step = (): void => {
      clock.pass(1);
      pendingMs = 25;
    };
    const { budget, cost, warnings } = await run({ clock, step, fence });
    expect(budget.compute.p50Ms).toBe(26.5);
    expect(cost).toMatchObject({ fences: 30, idleFenceMs: 0.5, fenceWaitMs: 30 * 25.5 });
    expect(cost.fraction).toBeGreaterThan((30 * 0.5) / budget.wall.sumMs);
    expect(warnings.map(({ code }) => code)).not.toContain("no-fence");
  });

  it("takes a fence that blocks instead of giving a promise", async () => {
    const clock = new HandClock();
    const { budget, cost } = await run({ clock, step: () => undefined, fence: () => clock.pass(4) });
    expect(budget.compute.p50Ms).toBe(4);
    expect(cost.idleFenceMs).toBe(4);
  });

  it("says that no fence was given", async () => {
    const report = await run({ clock: new HandClock() });
    expect(report.warnings.map(({ code }) => code)).toEqual(["no-fence"]);
    expect(report.cost.idleFenceMs).toBeUndefined();
  });

  it("does without a fence that fails from the start, and says why", async () => {
    const failing = [() => Promise.reject(new Error("no such context")), (): void => expect.unreachable()];
    for (const fence of failing) {
      for (const warmupSteps of [0, 5]) {
        const { budget, cost, warnings } = await run({ clock: new HandClock(), fence, warmupSteps });
        expect(budget.compute.p50Ms).toBe(20);
        expect(cost).toMatchObject({ fences: 0, idleFenceMs: undefined });
        expect(warnings[0]).toMatchObject({ code: "no-fence" });
        expect(warnings[0]?.text).toMatch(/^The device cannot be fenced: /u);
      }
    }
  });

  it("ends with the error of a fence that fails after it has worked", async () => {
    let calls = 0;
    const fence = (): void => {
      if (++calls > 20) throw new Error("context lost");
    };
    const error = await rejection(run({ clock: new HandClock(), fence }));
    expect(isMillraceError(error, "BACKEND") && error.message).toContain("context lost");
  });

  it("leaves the warm-up out", async () => {
    const clock = new HandClock();
    const seen: number[] = [];
    const report = await run({
      clock,
      step: (_, { step }) => {
        seen.push(step);
        clock.pass(step < 0 ? 500 : 20);
      },
      steps: 20,
      warmupSteps: 3,
    });
    expect(seen).toEqual(Array.from({ length: 23 }, (_, n) => n - 3));
    expect(report.budget.wall.sumMs).toBe(600);
    expect(report.warmupSteps).toBe(3);
  });

  it("begins an iterable again that ends early, and says so", async () => {
    const clock = new HandClock();
    const loader = { [Symbol.asyncIterator]: () => fetching(clock, 10) };
    const report = await run({ clock, loader });
    expect(report).toMatchObject({ passes: 4, budget: { steps: 30 } });
    expect(report.warnings.map(({ code }) => code)).toContain("passes");
  });

  it("reports on what a generator gave that ends early, and says how many steps were measured", async () => {
    const clock = new HandClock();
    const report = await run({ clock, loader: fetching(clock, 12) });
    expect(report.budget.steps).toBe(7);
    expect(report.verdict).toMatchObject({ kind: "undecided", stepsNeeded: 20 });
    expect(report.warnings.map(({ text }) => text)).toContain(
      "The iterable ended after 7 of 30 measured steps and cannot be begun again.",
    );
  });

  it("takes a plain array and batches that say nothing of themselves", async () => {
    const clock = new HandClock();
    const report = await profile({ loader: [1, 2, 3], step: () => clock.pass(20), steps: 40, warmupSteps: 0, clock });
    expect(report.throughput).toEqual({ stepsPerSec: 50, samplesPerSec: undefined });
    expect(report.budget).toMatchObject({ compute: { sumMs: 800 }, steps: 40 });
    expect(report.verdict.kind).toBe("compute-bound");
  });

  it("rejects an iterable that yields nothing", async () => {
    const error = await rejection(profile({ loader: [], step: () => undefined }));
    expect(isMillraceError(error, "OPTION") && error.message).toContain("option loader: yields no batch");
  });

  it("rejects an iterable that ends while warming up, and says how many batches it had", async () => {
    const clock = new HandClock();
    const error = await rejection(run({ clock, loader: fetching(clock, 4) }));
    expect(isMillraceError(error, "OPTION") && error.message).toContain("ended after 4 batches");
  });

  it("wraps what a step throws, with the number of the step", async () => {
    const cause = new TypeError("no such tensor");
    const step = (_: FakeBatch, context: { readonly step: number }): void => {
      if (context.step === 3) throw cause;
    };
    const error = await rejection(run({ clock: new HandClock(), step }));
    expect(isMillraceError(error, "BACKEND") && error.message).toContain("step 3 threw TypeError: no such tensor");
    expect((error as Error).cause).toBe(cause);
  });

  it("passes on an error of the loader as it is, and ends its iterator", async () => {
    const failure = new RangeError("bad sector");
    const broken = (function* (): Generator<FakeBatch> {
      yield { size: 1 };
      throw failure;
    })();
    expect(await rejection(run({ clock: new HandClock(), loader: broken }))).toBe(failure);
  });

  it("gives up on a step that never resolves, after deadlineMs", async () => {
    const error = await rejection(run({ clock: new HandClock(), step: never, warmupSteps: 0, deadlineMs: 20 }));
    expect(isMillraceError(error, "BACKEND") && error.message).toContain(
      "step 0 did not finish; expected within 20 ms",
    );
  });

  it("gives up on a loader that never gives a batch, after deadlineMs", async () => {
    const stuck = { [Symbol.asyncIterator]: () => ({ next: never }) };
    const error = await rejection(run({ clock: new HandClock(), loader: stuck, warmupSteps: 0, deadlineMs: 20 }));
    expect(isMillraceError(error, "WORKER") && error.message).toContain("no batch for step 0");
  });

  it("gives up on a fence that never resolves, after deadlineMs", async () => {
    const error = await rejection(run({ clock: new HandClock(), fence: never, warmupSteps: 1, deadlineMs: 20 }));
    expect(isMillraceError(error, "BACKEND") && error.message).toContain("the device did not finish step -1");
  });

  it("throws the signal's reason, even if nothing in the loop ever waits, and ends the iterator", async () => {
    const controller = new AbortController();
    let ended = false;
    const batches = (function* (): Generator<FakeBatch> {
      try {
        for (;;) yield { size: 1 };
      } finally {
        ended = true;
      }
    })();
    const reason = new Error("enough");
    setTimeout(() => controller.abort(reason), 10);
    const options = { clock: new HandClock(), loader: batches, steps: 1e9, step: () => undefined };
    expect(await rejection(run({ ...options, signal: controller.signal }))).toBe(reason);
    expect(ended).toBe(true);
  });

  it("refuses impossible options by name", async () => {
    const clock = new HandClock();
    for (const options of [{ steps: 0 }, { steps: 1.5 }, { warmupSteps: -1 }, { deadlineMs: Number.NaN }]) {
      const error = await rejection(run({ clock, ...options }));
      expect(isMillraceError(error, "OPTION") && error.detail.option).toBe(Object.keys(options)[0]);
    }
  });

  it.each([0, -4, 2.5, Number.NaN, Infinity, "16" as unknown as number])(
    "refuses %j samples in a batch",
    async (samplesPerBatch) => {
      const error = await rejection(run({ clock: new HandClock(), samplesPerBatch }));
      expect(isMillraceError(error, "OPTION") && error.message).toMatch(
        /option samplesPerBatch: .*expected a whole number from 1/u,
      );
    },
  );

  it.each([
    ["its size", { size: 4 }, 4],
    ["the first number of a tensor's shape, whose size counts elements", { shape: [16, 32, 32, 3], size: 49_152 }, 16],
    ["its size, if the shape is none", { shape: "square", size: 4 }, 4],
    ["nothing, of a tensor without axes", { shape: [], size: 1 }, undefined],
    ["nothing, if the size is 0", { size: 0 }, undefined],
    ["nothing, if the size is negative", { size: -1 }, undefined],
    ["nothing, if the size is no number that can be counted", { size: 1e308 }, undefined],
    ["nothing, if it is null", null, undefined],
  ])("takes for the samples of a batch %s", async (_, batch, samples) => {
    const clock = new HandClock();
    const loader = Array.from({ length: 50 }, () => batch);
    const report = await profile({ loader, step: () => clock.pass(20), steps: 30, phases: { batches: 3 }, clock });
    const alone = report.phases?.phases.find(({ name }) => name === "synthetic")?.samplesPerSec;
    expect(alone).toBe(report.throughput.samplesPerSec);
    expect(report.throughput.samplesPerSec).toBe(samples === undefined ? undefined : samples * 50);
    expect(() => parseReport(reportToJson(report))).not.toThrow();
  });

  it.each([
    ["nothing", undefined, /found undefined; give a loader/u],
    ["an object", {}, /found an object of the class Object; give a loader, an array/u],
    ["a number", 5, /found 5; give a loader/u],
    ["a text", "batches", /found "batches"; give a loader/u],
    ["a generator function that was not called", endless, /found a function; give what it returns/u],
    ["what has a property for a method", { [Symbol.asyncIterator]: 5, *[Symbol.iterator]() {} }, /found an object/u],
    ["a Dataset of tfjs-data", new Dataset(), /class Dataset; wrap .*\[Symbol\.asyncIterator\].*docs\/profile\.md/u],
  ])("refuses a loader that is %s, and says what to give", async (_, loader, message) => {
    for (const onFailure of ["throw", "report"] as const) {
      const error = await rejection(profile({ loader: loader as never, step: () => undefined, onFailure }));
      expect(isMillraceError(error, "OPTION") && error.message).toMatch(message);
    }
  });

  it("says that the clock went backwards", async () => {
    const clock = new HandClock();
    const report = await run({ clock, step: (_, { step }) => clock.pass(step === 9 ? -50 : 20) });
    expect(report.warnings.map(({ code }) => code)).toContain("clock-jump");
  });

  it("gives no verdict where one step decides, as of a clock that jumps ahead, and names the step", async () => {
    const clock = new HandClock();
    const loader = (function* (): Generator<FakeBatch> {
      for (let batch = 0; ; batch++) {
        clock.pass(batch === 17 ? 3_600_000 : 0.1);
        yield { size: 4 };
      }
    })();
    const { verdict, warnings } = await run({ clock, loader });
    expect(verdict).toMatchObject({ kind: "undecided", cause: undefined });
    expect(verdict.reason).toBe(
      "one step took 100 % of the time; with it the run is input-bound, without it compute-bound",
    );
    expect(warnings.find(({ code }) => code === "long-step")?.text).toContain("Step 12 took 100 % of the time");
  });

  it("gives no verdict on a noisy machine, and says how many steps would do", async () => {
    const clock = new HandClock();
    const loader = (function* (): Generator<FakeBatch> {
      for (let batch = 0; ; batch++) {
        clock.pass(batch >= 15 && batch < 19 ? 40 : 0);
        yield { size: 4 };
      }
    })();
    const { verdict, warnings } = await run({ clock, loader, steps: 40 });
    expect(verdict.kind).toBe("undecided");
    expect(verdict.reason).toMatch(/^too noisy: /u);
    expect(verdict.stepsNeeded).toBeGreaterThan(40);
    expect(warnings.find(({ code }) => code === "noisy")?.text).toContain(`About ${verdict.stepsNeeded ?? 0} steps`);
  });
});
