import { profile, type PhaseReport, type ProfileOptions } from "@millrace/train";
import { describe, expect, it } from "vitest";
import { HandClock } from "../hand-clock.js";
import { rejection } from "../rejection.js";

import { brief, endless, once, type Sized } from "./fake-iterables.js";
import { PREP, run, phase, rate, anotherBatch, asked } from "./phases-run.js";

describe("a phase that cannot be measured says why", () => {
  const cases: readonly [string, Partial<ProfileOptions<unknown>>, PhaseReport["name"], RegExp][] = [
    ["a step that consumes its batch", { step: consume(new WeakSet()) }, "synthetic", /is disposed.*give copyBatch/u],
    ["a step that hangs when it is called again", { step: hang(), deadlineMs: 30 }, "synthetic", /did not finish/u],
    ["a generator", { loader: endless() }, "input", /a generator cannot be begun again/u],
    ["an iterable that gives nothing the second time", { loader: once() }, "input", /ended after 0 batches/u],
    ["an iterable that ends in the warm-up", { loader: brief(), steps: 2 }, "input", /gave 1 batches|ended/u],
  ];

  it.each(cases)("%s", async (_, options, name, why) => {
    const clock = new HandClock();
    const step = (): void => clock.pass(20);
    const common = { loader: asked(clock, 1), step, steps: 30, warmupSteps: 5, clock, samplesPerBatch: 10 };
    const report = await profile<unknown>({ ...common, ...options });
    expect(phase(report, name)).toMatchObject({ samplesPerSec: undefined, spread: undefined });
    expect(phase(report, name).note).toMatch(/^not measured: /u);
    expect(phase(report, name).note).toMatch(why);
    expect(report.phases?.agrees).toBeUndefined();
  });

  it("a loader that cannot be opened again; the report of the run stands", async () => {
    const report = await run({ ...PREP, failure: new Error("no memory for the ring") }, 20);
    for (const name of ["memory", "cold"] as const)
      expect(phase(report, name).note).toContain("no memory for the ring");
    expect(report.model).toBeUndefined();
    expect(report.verdict.kind).toBe("input-bound");
  });

  it("a clock that goes backwards, and one that stands still", async () => {
    const clock = new HandClock();
    const back = await run(PREP, 0, { clock, step: (_, { step }) => clock.pass(step === 60 ? -500 : 20) });
    expect(phase(back, "synthetic").note).toBe("not measured: the clock went backwards");
    const still = await run(PREP, 0);
    expect(phase(still, "synthetic").note).toBe("not measured: the clock stood still");
  });

  it("all of them, in one warning, if batches do not say how many samples they hold", async () => {
    const clock = new HandClock();
    const report = await profile({ loader: [1, 2, 3], step: () => clock.pass(5), steps: 30, clock });
    expect(report.phases).toBeUndefined();
    expect(report.warnings.find(({ code }) => code === "no-phases")?.text).toContain("Set samplesPerBatch");
  });
});

describe("the phases of a plain iterable", () => {
  it("measure it alone, and see that it makes batches only when it is asked", async () => {
    const clock = new HandClock();
    const step = (): void => clock.pass(20);
    const report = await profile({ loader: asked(clock, 30), step, steps: 30, clock });
    expect(rate(report, "input")).toBeCloseTo(1000 / 3, 6);
    expect(report.phases).toMatchObject({ agrees: true, bound: undefined });
    expect(report.phases?.boundSamplesPerSec).toBeCloseTo(1000 / 3, 6);
    expect(report.phases?.interference).toBeCloseTo(0.4, 6);
    expect(report.warnings.find(({ code }) => code === "interference")?.text).toContain("not beside it");
  });

  it("give the step a copy each time if it consumes its batches", async () => {
    const clock = new HandClock();
    const step = consume(new WeakSet(), () => clock.pass(20));
    const report = await profile<unknown>({
      loader: asked(clock, 1),
      step,
      steps: 30,
      clock,
      phases: { copyBatch: anotherBatch },
    });
    expect(rate(report, "synthetic")).toBeCloseTo(500, 6);
  });

  it("end with the signal's reason when it aborts in a phase", async () => {
    const controller = new AbortController();
    const clock = new HandClock();
    const reason = new Error("enough");
    const step = (_: Sized, { step: number }: { readonly step: number }): void => {
      clock.pass(20);
      if (number === 40) controller.abort(reason);
    };
    const options = { loader: asked(clock, 1), step, steps: 30, clock, signal: controller.signal };
    expect(await rejection(profile({ ...options, phases: { batches: 1000, seconds: 3600 } }))).toBe(reason);
  });
});

/** A step that throws for a batch that it has had. */
function consume(had: WeakSet<object>, work: () => void = () => undefined): (batch: unknown) => void {
  return (batch) => {
    if (had.has(batch as object)) throw new Error("the tensor is disposed");
    had.add(batch as object);
    work();
  };
}

/** A step that never resolves once the run is over. */
function hang(): (batch: unknown, context: { readonly step: number }) => unknown {
  return (_, { step }) => (step < 30 ? undefined : new Promise(() => undefined));
}
