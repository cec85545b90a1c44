import { openLoader } from "@millrace/loader";
import { tempDir } from "@millrace/testkit";
import { profile, SpanLog, type ProfileOptions, type ProfileReport, type WorkersReport } from "@millrace/train";
import { channel } from "node:diagnostics_channel";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { HandClock } from "../hand-clock.js";
import { rejection } from "../rejection.js";
import { makeStripes } from "../training/stripes.js";

const word = new Int32Array(new SharedArrayBuffer(4));

/** Takes `ms` without using the processor; the event loop cannot do anything else. */
function block(ms: number): void {
  Atomics.wait(word, 0, 0, ms);
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** A dataset that is gone when the test ends. */
function makeDataset(): Promise<string> {
  return makeStripes(join(tempDir(), "stripes"), { train: 200 });
}

/** Forty steps of a plain list of batches, on the clock of the process. */
function run(options: Partial<ProfileOptions<number>>): Promise<ProfileReport> {
  return profile({ loader: [1, 2, 3], step: () => block(1), steps: 40, warmupSteps: 0, phases: false, ...options });
}

describe("the causes beside the budget", () => {
  it("count garbage collections, those of the last step included, and those of the warm-up not", async () => {
    const { causes } = await run({
      step: (_, { step }) => {
        if (step < 0 || step >= 38) collect();
        block(1);
      },
      warmupSteps: 15,
    });
    expect(causes?.gc.count).toBeGreaterThanOrEqual(2);
    expect(causes?.gc.count).toBeLessThan(15);
    expect(causes?.gc.sumMs).toBeGreaterThanOrEqual(causes?.gc.maxMs ?? Infinity);
    expect(causes?.gc.maxMs).toBeGreaterThan(0);
  });

  it("name garbage collection as what made a step slow", async () => {
    const { budget } = await run({
      step: (_, { step }) => {
        block(1);
        if (step === 21) for (let times = 0; times < 6; times++) collect();
      },
    });
    const straggler = budget.stragglers.find((one) => one.step === 21);
    expect(straggler).toMatchObject({ cause: "gc", part: "compute" });
    expect(straggler?.causeMs).toBeLessThanOrEqual((straggler?.wallMs ?? 0) + 1e-6);
  });

  it("tell how late the event loop was, which a step that blocks it makes", async () => {
    const { causes } = await run({
      step: async (_, { step }) => {
        block(step === 30 ? 60 : 1);
        await nextTurn();
      },
    });
    const { eventLoop } = causes ?? {};
    expect(eventLoop?.maxMs).toBeGreaterThan(40);
    expect(eventLoop?.p50Ms).toBeLessThan(eventLoop?.maxMs ?? 0);
    expect(eventLoop?.p99Ms).toBeLessThanOrEqual(eventLoop?.maxMs ?? 0);
  });

  it("tell what the workers of a loader did in the measured steps", async () => {
    const inject = { fetchMs: 1, prepMs: 0 };
    await using loader = await openLoader(await makeDataset(), { batchSize: 4, numWorkers: 1, inject });
    const report = await profile({ loader, step: () => undefined, steps: 30, warmupSteps: 2, phases: false });
    const workers = report.causes?.workers as WorkersReport;
    expect(workers.fetchFraction + workers.prepFraction).toBeCloseTo(workers.busyFraction, 9);
    expect(workers.busyFraction + workers.idleFraction).toBeCloseTo(1, 9);
    expect(workers.fetchFraction).toBeGreaterThan(0);
    expect(workers.prepFraction).toBeGreaterThan(0);
    expect(workers.ringReadyFraction).toBeGreaterThanOrEqual(0);
    expect(workers.ringReadyFraction).toBeLessThan(1);
  });

  it("say nothing of workers where there are none", async () => {
    expect((await run({})).causes?.workers).toBeUndefined();
    await using loader = await openLoader(await makeDataset(), { batchSize: 4, numWorkers: 0 });
    const report = await profile({ loader, step: () => undefined, steps: 20, warmupSteps: 0, phases: false });
    expect(report.causes).toBeDefined();
    expect(report.causes?.workers).toBeUndefined();
  });

  it("are not told on a clock that is not the process's", async () => {
    expect((await run({ clock: new HandClock(), step: () => undefined })).causes).toBeUndefined();
  });

  it("leave nobody listening, however the profile ends", async () => {
    const channels = ["millrace:loader:batch", "millrace:loader:worker"].map((name) => channel(name));
    await run({ spans: new SpanLog(10) });
    expect(channels.map(({ hasSubscribers }) => hasSubscribers)).toEqual([false, false]);
    await rejection(run({ spans: new SpanLog(10), step: () => Promise.reject(new RangeError("no")) }));
    expect(channels.map(({ hasSubscribers }) => hasSubscribers)).toEqual([false, false]);
  });
});

/** Batches with the stall that `stallOf` says for each, on a clock that is moved by hand. */
function stalling(clock: HandClock, stallOf: (batch: number) => { fetch: number; prep: number }): Iterable<object> {
  return (function* () {
    for (let batch = 0; ; batch++) {
      const { fetch, prep } = stallOf(batch);
      clock.pass(fetch + prep);
      yield { stall: { stallMs: fetch + prep, fetchStallMs: fetch, prepStallMs: prep } };
    }
  })();
}

/** What is said of the stragglers of a run whose stalls are given. */
async function causesOf(stallOf: (batch: number) => { fetch: number; prep: number }): Promise<unknown[]> {
  const clock = new HandClock();
  const loader = stalling(clock, stallOf);
  const report = await profile({
    loader,
    step: () => clock.pass(10),
    steps: 40,
    warmupSteps: 0,
    phases: false,
    clock,
  });
  return report.budget.stragglers.map(({ step, part, cause, causeMs }) => [step, part, cause, causeMs]);
}

describe("the cause of a straggler", () => {
  it("is storage or preparation, by which part of the stall grew", async () => {
    const found = await causesOf((batch) => ({ fetch: batch === 7 ? 102 : 2, prep: batch === 20 ? 53 : 3 }));
    expect(found).toEqual([
      [7, "stall", "fetch", 100],
      [20, "stall", "prep", 50],
    ]);
  });

  it("is a worker that died while the step waited", async () => {
    const found = await causesOf((batch) => {
      if (batch === 9) channel("millrace:loader:worker").publish({ worker: 0, sample: 36, error: new Error("gone") });
      return { fetch: 2, prep: batch === 9 || batch === 30 ? 73 : 3 };
    });
    expect(found).toEqual([
      [9, "stall", "worker-death", 70],
      [30, "stall", "prep", 70],
    ]);
  });

  it("stands in the advice about stragglers", async () => {
    const clock = new HandClock();
    const loader = stalling(clock, (batch) => ({ fetch: batch % 10 === 7 ? 102 : 2, prep: batch === 20 ? 53 : 3 }));
    const { advice } = await profile({
      loader,
      step: () => clock.pass(10),
      steps: 40,
      warmupSteps: 0,
      phases: false,
      clock,
    });
    expect(advice.find(({ code }) => code === "stragglers")?.text).toContain(
      "mostly by stall (storage in 4 of the 5 slowest)",
    );
  });

  it("is left open where the step itself was slow or the stall is not divided", async () => {
    const clock = new HandClock();
    const step = (_: number, context: { readonly step: number }): void => clock.pass(context.step === 5 ? 90 : 10);
    const { budget } = await run({ clock, step });
    expect(budget.stragglers.map((one) => [one.step, one.part, one.cause])).toEqual([[5, "compute", undefined]]);
    const undivided = (function* (): Generator<number> {
      for (let batch = 0; ; batch++) {
        clock.pass(batch === 11 ? 70 : 1);
        yield batch;
      }
    })();
    const other = await run({ clock, step: () => clock.pass(10), loader: undivided });
    expect(other.budget.stragglers.map((one) => [one.step, one.part, one.cause])).toEqual([[11, "stall", undefined]]);
  });
});
