import { openLoader } from "@millrace/loader";
import { tempDir } from "@millrace/testkit";
import { PARTS, profile, reportToTrace, SpanLog, type ProfileReport } from "@millrace/train";
import { channel } from "node:diagnostics_channel";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { HandClock } from "../hand-clock.js";
import { makeStripes } from "../training/stripes.js";
import { readingsOf, readTrace, slicesOf, trackNames } from "./trace-event.js";

const word = new Int32Array(new SharedArrayBuffer(4));

/** A profile on a clock moved by hand, and its spans. */
async function sampleRun(capacity?: number): Promise<{ report: ProfileReport; spans: SpanLog }> {
  const clock = new HandClock(5e6);
  const spans = new SpanLog(capacity);
  const loader = (function* () {
    for (let step = 0; ; step++) {
      clock.pass(step === 12 ? 40.1 : 3.3);
      if (step === 12) channel("millrace:loader:worker").publish({ worker: 1, sample: 77, error: new Error("gone") });
      yield { size: 8 };
    }
  })();
  const report = await profile({
    loader,
    step: (_, { copy }) => {
      copy(() => clock.pass(0.7));
      clock.pass(5.123);
    },
    steps: 30,
    warmupSteps: 0,
    phases: false,
    clock,
    spans,
  });
  return { report, spans };
}

describe("reportToTrace", () => {
  it("has every step with the owners of its time within it, which add up to the budget", async () => {
    const { report, spans } = await sampleRun();
    const trace = readTrace(reportToTrace(report, spans));
    const steps = slicesOf(trace, "step");
    expect(steps.map(({ args }) => args?.["step"])).toEqual(Array.from({ length: 30 }, (_, step) => step));
    expect(steps[0]).toMatchObject({ ts: 0, name: "step", args: { stallMs: expect.closeTo(3.3, 6) as number } });
    for (const part of PARTS) {
      const sumUs = slicesOf(trace, part).reduce((sum, { dur }) => sum + dur, 0);
      expect(sumUs / 1000).toBeCloseTo(report.budget[part].sumMs, 3);
    }
    const wallUs = steps.reduce((sum, { dur }) => sum + dur, 0);
    expect(wallUs / 1000).toBeCloseTo(report.budget.wall.sumMs, 3);
  });

  it("says what a step is that was slow, and when a worker died", async () => {
    const { report, spans } = await sampleRun();
    const trace = readTrace(reportToTrace(report, spans));
    const slow = slicesOf(trace, "step").filter(({ args }) => args?.["excessMs"] !== undefined);
    expect(slow.map(({ args }) => [args?.["step"], args?.["cause"]])).toEqual([[12, "worker-death"]]);
    expect(trace.traceEvents.filter(({ ph }) => ph === "i")).toMatchObject([
      { name: "worker died", s: "p", args: { worker: 1, sample: 77 } },
    ]);
  });

  it("names its process and the tracks that have something, and tells of the verdict", async () => {
    const { report, spans } = await sampleRun();
    const trace = readTrace(reportToTrace(report, spans));
    expect([...trackNames(trace).values()]).toEqual(["training loop"]);
    expect(trace.traceEvents[0]).toMatchObject({ name: "process_name", args: { name: "millrace profile" } });
    expect(trace.otherData).toMatchObject({ verdict: expect.stringContaining(report.verdict.kind), droppedSpans: 0 });
  });

  it("keeps the newest spans of a long run, and says how many it has not", async () => {
    const { report, spans } = await sampleRun(20);
    const trace = readTrace(reportToTrace(report, spans));
    expect(slicesOf(trace, "step").at(-1)?.args).toMatchObject({ step: 29 });
    expect(trace.otherData["droppedSpans"]).toBe(spans.count - 20);
    expect(trace.traceEvents.filter(({ ph }) => ph === "X" || ph === "i")).toHaveLength(20);
  });

  it("tells of the last run only where a log is used for several", async () => {
    const spans = new SpanLog();
    for (const steps of [20, 25]) {
      const clock = new HandClock();
      const loader = [{ size: 1 }];
      const step = (): void => clock.pass(3);
      const report = await profile({ loader, step, steps, warmupSteps: 2, phases: false, clock, spans });
      expect(slicesOf(readTrace(reportToTrace(report, spans)), "step")).toHaveLength(steps);
    }
  });

  it("is a valid trace without any span", async () => {
    const { report } = await sampleRun();
    expect(readTrace(reportToTrace(report, new SpanLog())).traceEvents.map(({ ph }) => ph)).toEqual(["M"]);
  });

  it("has the waits for the batches of a loader, those that lay ready, and the workers at work", async () => {
    const dataset = await makeStripes(join(tempDir(), "stripes"), { train: 400 });
    const inject = { fetchMs: 0.5, prepMs: 0 };
    await using loader = await openLoader(dataset, { batchSize: 4, numWorkers: 2, prefetchDepth: 4, inject });
    const spans = new SpanLog();
    const report = await profile({
      loader,
      step: () => Atomics.wait(word, 0, 0, 4),
      steps: 40,
      warmupSteps: 5,
      phases: false,
      spans,
    });
    const trace = readTrace(reportToTrace(report, spans));
    const batches = slicesOf(trace, "batch").map(({ args }) => args?.["step"]);
    expect(batches).toEqual(Array.from({ length: 40 }, (_, batch) => 5 + batch));
    const ready = readingsOf(trace, "batches ready").map(({ batches: count }) => count ?? -1);
    expect(ready).toHaveLength(80);
    expect(Math.min(...ready)).toBe(0);
    expect(Math.max(...ready)).toBeLessThanOrEqual(5);
    expect(ready.at(-1)).toBe(0);
    const workers = readingsOf(trace, "workers at work").map(({ fetch = -1, prep = -1 }) => [fetch, prep]);
    expect(workers.length).toBeGreaterThan(10);
    for (const [fetch = -1, prep = -1] of workers) {
      expect(Math.min(fetch, prep)).toBeGreaterThanOrEqual(0);
      expect(fetch + prep).toBeLessThanOrEqual(2 + 1e-9);
    }
    expect(Math.max(...workers.map(([fetch = 0]) => fetch))).toBeGreaterThan(0);
    expect([...trackNames(trace).values()]).toEqual(expect.arrayContaining(["training loop", "waits for batches"]));
  });
});
