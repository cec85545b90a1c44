import { isMillraceError } from "@millrace/formats";
import { predict, type PipelineModel } from "@millrace/loader";
import { profile } from "@millrace/train";
import { describe, expect, it } from "vitest";
import { HandClock } from "../hand-clock.js";
import { rejection } from "../rejection.js";
import { FakeLoader, UNMEASURED } from "./fake-loader.js";

import { PREP, run, phase, rate, codes, doNothing } from "./phases-run.js";

describe("the phases of a profile", () => {
  it("measure step, loader and reading one by one; the run agrees with the lowest", async () => {
    const report = await run(PREP, 20);
    expect(rate(report, "synthetic")).toBeCloseTo(500, 6);
    expect(rate(report, "memory")).toBeCloseTo(1000 / 4.01, 6);
    expect(rate(report, "cold")).toBeCloseTo(50_000, 3);
    expect(report.phases).toMatchObject({ bound: "prep", agrees: true });
    expect(report.phases?.interference).toBeCloseTo(0, 6);
    expect(report.phases?.inRunSamplesPerSec).toBeCloseTo(1000 / 4.01, 6);
    expect(report.verdict).toMatchObject({ kind: "input-bound", cause: "prep" });
  });

  it("make a model, and advice of what it predicts", async () => {
    const report = await run(PREP, 20);
    expect(report.model).toMatchObject({ batchSize: 10, numWorkers: 1, cores: 4, bytesPerSample: 100 });
    // Where the CPU time is not known, what a sample takes on data in memory is all work.
    expect(report.model?.prepCpuMs).toBeCloseTo(4.01, 6);
    expect(report.model?.computeMs).toBeCloseTo(20, 6);
    const first = report.whatIf?.find(({ needs }) => needs === "option");
    expect(first?.gain).toBeGreaterThan(0.9);
    const [advice] = report.advice;
    expect(advice).toMatchObject({ code: "prep", isPredicted: true });
    expect(advice?.gain).toBeCloseTo(1 + (first?.gain ?? 0), 9);
    expect(advice?.text).toMatch(/workers.*samples\/s, then/u);
  });

  it("predict another format where preparing holds the run up, and a cache where storage does", async () => {
    const prep = await run(PREP, 20);
    expect(prep.whatIf?.map(({ needs }) => needs)).toContain("conversion");
    const slow = await run({ numWorkers: 1, coldMs: 8, warmMs: 8, memoryMs: 0.01, prepMs: 0.5 }, 5);
    expect(slow.whatIf?.map(({ name }) => name)).toContain("data in memory: 0 % -> 100 % (readAhead: true)");
  });

  it("confirm a step that is slower than the loader", async () => {
    const report = await run({ ...PREP, numWorkers: 4 }, 20);
    expect(report.verdict.kind).toBe("compute-bound");
    expect(report.phases).toMatchObject({ bound: "compute", agrees: true });
    expect(report.phases?.boundSamplesPerSec).toBeCloseTo(500, 6);
  });

  it("tell the wait of each worker from a limit that all share", async () => {
    const slow = { numWorkers: 1, coldMs: 8, warmMs: 8, memoryMs: 0.01, prepMs: 0.5 };
    const waiting = await run(slow, 5);
    expect(waiting.model?.storageBytesPerSec).toBeUndefined();
    expect(waiting.model?.fetchLatencyMs).toBeCloseTo(8, 1);
    expect(waiting.phases).toMatchObject({ bound: "fetch", agrees: true });
    const shared = await run({ ...slow, coldMs: 0.02, warmMs: 0.01, samplesPerSec: 125 }, 5);
    expect(shared.model?.storageBytesPerSec).toBeCloseTo(125 * 100, 3);
    expect(shared.verdict).toMatchObject({ kind: "input-bound", cause: "fetch" });
    expect(shared.phases).toMatchObject({ bound: "fetch", agrees: true });
  });

  it("find the limit of storage that workers share, though what they did says that they prepare as much", async () => {
    const shared = { numWorkers: 2, coldMs: 0.02, warmMs: 0.01, prepMs: 4, samplesPerSec: 300 };
    const alone = await run(shared, 15, { phases: false });
    expect(alone.verdict).toMatchObject({ kind: "input-bound", cause: "both" });
    for (const prepMs of [4, 5]) {
      const report = await run({ ...shared, prepMs }, 15);
      expect(report.verdict).toMatchObject({ kind: "input-bound", cause: "fetch" });
      expect(report.phases).toMatchObject({ bound: "fetch", agrees: true });
      expect(codes(report)).not.toContain("phases-disagree");
    }
  });

  it("measure workers whose code is warm, though each thread begins with none", async () => {
    const pattern = Array.from({ length: 100_000 }, (_, n) => (n < 45 ? 3 : 1));
    const report = await run({ ...PREP, prepMs: 1, pattern }, 1, { warmupSteps: 60 });
    expect(rate(report, "memory")).toBeCloseTo(1000 / 1.01, 3);
    expect(report.phases).toMatchObject({ bound: "prep", agrees: true });
    expect(report.phases?.interference).toBeCloseTo(0, 6);
  });

  it("make a model that predicts the run it is of where there is no worker, too", async () => {
    for (const memoryMs of [0.01, 2]) {
      const report = await run({ numWorkers: 0, coldMs: 4, warmMs: 4, memoryMs, prepMs: 3 }, 30, { fence: undefined });
      const predicted = predict(report.model as PipelineModel).samplesPerSec;
      expect(predicted / (report.throughput.samplesPerSec ?? 0)).toBeCloseTo(1, 1);
    }
  });

  it("say that the data of a run came from memory, and do not count cold reading as its limit", async () => {
    const report = await run({ numWorkers: 1, coldMs: 20, warmMs: 0.01, prepMs: 1 }, 40);
    expect(rate(report, "cold")).toBeCloseTo(50, 3);
    expect(report.phases?.residency).toContain("about 100 % of the run's samples came from memory");
    expect(report.phases).toMatchObject({ bound: "compute", agrees: true });
    const cold = await run({ numWorkers: 1, coldMs: 20, warmMs: 0.01, prepMs: 1, isRunCold: true }, 40);
    expect(cold.phases?.residency).toContain("about 0 % of the run's samples came from memory");
    expect(cold.phases).toMatchObject({ bound: "fetch", agrees: true });
  });

  it("believe the system's count of what storage gave more than times, if it counts cold reads at all", async () => {
    const phases = { ...UNMEASURED, diskReadBytes: () => FakeLoader.diskBytes };
    const costs = { numWorkers: 1, coldMs: 0.2, warmMs: 0.01, prepMs: 1 };
    for (const isRunCold of [false, true]) {
      const report = await run({ ...costs, isRunCold }, 40, { phases });
      const share = isRunCold ? "at least 0 %" : "100 %";
      expect(report.phases?.residency).toContain(
        `${share} of what the run read came from memory, as the system counts`,
      );
      expect(report.model?.cacheFraction).toBeCloseTo(isRunCold ? 0 : 1, 9);
    }
    const blind = await run({ ...costs, isRunCold: true }, 40, { phases: { ...UNMEASURED, diskReadBytes: () => 0 } });
    expect(blind.phases?.residency).toContain("about 0 % of the run's samples came from memory, by their times");
    // Storage gives whole pages, whatever is asked for: half of the samples may be all of the pages.
    const small = await run({ ...costs, isRunCold: true, diskFactor: 2.5 }, 40, { phases });
    expect(small.phases?.residency).toContain("about 0 % of the run's samples came from memory, by their times");
    const smallWarm = await run({ ...costs, diskFactor: 2.5 }, 40, { phases });
    expect(smallWarm.phases?.residency).toContain("100 % of what the run read came from memory, as the system counts");
  });

  it("say that data may be warm where cold ones were asked for", async () => {
    const report = await run({ ...PREP, coldReads: "buffered" }, 20);
    expect(codes(report)).toContain("warm-data");
    expect(phase(report, "cold").note).toContain("not past the page cache");
    expect(report.phases?.residency).toBe("not known: tmpfs has no O_DIRECT");
  });

  it("explain a run below its lowest limit by workers that read and prepare in turn", async () => {
    const report = await run({ numWorkers: 1, coldMs: 4, warmMs: 4, memoryMs: 0.01, prepMs: 4 }, 30);
    expect(report.phases?.interference).toBeGreaterThan(0.4);
    expect(report.warnings.find(({ code }) => code === "interference")?.text).toContain("as expected");
    expect(report.phases?.agrees).toBe(true);
  });

  it("expect the times of step and loader to add up where there is no worker", async () => {
    for (const stepMs of [20, 60]) {
      const clock = new HandClock();
      const loader = new FakeLoader(clock, { ...PREP, numWorkers: 0 });
      const step = (): void => clock.pass(stepMs);
      const report = await profile({ loader, step, steps: 40, clock, phases: UNMEASURED });
      expect(report.model?.numWorkers).toBe(0);
      expect(report.verdict.kind).toBe("input-bound");
      expect(report.phases?.agrees).toBe(true);
      expect(report.warnings.find(({ code }) => code === "interference")?.text).toContain("as expected");
    }
  });

  it("give no judgement on rates that vary too much, and say so", async () => {
    const pattern = Array.from({ length: 240 }, (_, n) => (n % 80 < 40 ? 0.4 : 1.6));
    const report = await run({ ...PREP, pattern }, 20, { phases: { batches: 60, ...UNMEASURED } });
    expect(phase(report, "memory").spread).toBeGreaterThan(0.15);
    expect(codes(report)).toContain("noisy-phase");
    expect(report.phases?.agrees).toBeUndefined();
    expect(report.phases?.uncertainty).toBe(phase(report, "memory").spread);
  });

  it("confirm a step that keeps all CPUs busy, though the far faster loader alone varies much", async () => {
    const clock = new HandClock();
    const pattern = Array.from({ length: 240 }, (_, n) => (n % 80 < 40 ? 0.4 : 1.6));
    const loader = new FakeLoader(clock, { numWorkers: 4, coldMs: 0.02, warmMs: 0.01, prepMs: 0.05, pattern });
    const phases = { ...UNMEASURED, batches: 60, cpuMs: () => 3.5 * clock.now() };
    const report = await profile({ loader, step: () => clock.pass(20), fence: doNothing, steps: 40, clock, phases });
    expect(phase(report, "memory").spread).toBeGreaterThan(0.4);
    expect(report.verdict.kind).toBe("compute-bound");
    expect(report.phases).toMatchObject({ bound: "compute", agrees: true });
    expect(codes(report)).not.toContain("noisy-phase");
  });

  it("measure the loader with other numbers of workers if asked to", async () => {
    const report = await run(PREP, 20, { phases: { scaling: true, ...UNMEASURED } });
    const scaling = report.model?.scaling.toSorted((a, b) => a.numWorkers - b.numWorkers) ?? [];
    expect(scaling.map(({ numWorkers }) => numWorkers)).toEqual([1, 2, 4]);
    expect(scaling[2]?.samplesPerSec).toBeCloseTo(4000 / 4.01, 3);
  });

  it("do not mistake a machine that gets slower for what the number of workers makes", async () => {
    const clock = new HandClock();
    const loader = new FakeLoader(clock, { numWorkers: 1, coldMs: 0.02, warmMs: 0.01, prepMs: 4, drift: 0.001 });
    const phases = { ...UNMEASURED, batches: 60, scaling: true };
    const report = await profile({ loader, step: () => clock.pass(1), fence: doNothing, steps: 40, clock, phases });
    const scaled = (count: number): number =>
      report.model?.scaling.find(({ numWorkers }) => numWorkers === count)?.samplesPerSec ?? Number.NaN;
    expect(scaled(2) / scaled(1)).toBeCloseTo(2, 1);
    expect(scaled(4) / scaled(1)).toBeCloseTo(4, 1);
  });

  it("keep within their number of batches and their time, and close what they open", async () => {
    const clock = new HandClock();
    let steps = 0;
    const step = (): void => {
      steps++;
      clock.pass(20);
    };
    const report = await run(PREP, 0, { step, clock, phases: { batches: 12, seconds: 3600 } });
    expect(steps).toBe(45 + 2 + 12);
    expect(phase(report, "memory").batches).toBe(12);
    expect(report.fake.closed).toBe(report.fake.opened.length);
    const short = await run(PREP, 20, { phases: { seconds: 0.5, ...UNMEASURED } });
    expect(phase(short, "synthetic")).toMatchObject({ batches: 25, wallMs: 500 });
  });

  it("say of a step without a fence what is not in its rate, and agree to nothing that is undecided", async () => {
    const report = await run(PREP, 20, { fence: undefined, steps: 10 });
    expect(phase(report, "synthetic").note).toContain("without a fence");
    expect(report.verdict).toMatchObject({ kind: "undecided", stepsNeeded: 20 });
    expect(report.phases).toMatchObject({ bound: "prep", agrees: undefined });
  });

  it("are not measured with phases: false", async () => {
    const report = await run(PREP, 20, { phases: false });
    expect(report.phases).toBeUndefined();
    expect(report.fake.opened).toEqual([]);
  });

  it("refuse impossible options by name", async () => {
    for (const phases of [{ batches: 2 }, { seconds: 0 }, { seconds: Number.NaN }]) {
      const error = await rejection(run(PREP, 20, { phases }));
      expect(isMillraceError(error, "OPTION") && error.detail.option).toBe(`phases.${Object.keys(phases)[0] ?? ""}`);
    }
  });
});
