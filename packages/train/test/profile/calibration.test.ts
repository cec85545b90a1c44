import { changeModel, predict, type PipelineModel } from "@millrace/loader";
import { profile, type Verdict } from "@millrace/train";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { calibrationOf } from "../../dist/profile/calibration.js";
import { HandClock } from "../hand-clock.js";
import { FakeLoader, UNMEASURED } from "./fake-loader.js";

const MODEL: PipelineModel = {
  batchSize: 10,
  numWorkers: 1,
  prefetchDepth: 4,
  cores: 4,
  prepCpuMs: 2,
  fetchLatencyMs: 1,
  storageBytesPerSec: undefined,
  bytesPerSample: 100,
  cacheFraction: 0,
  computeMs: 10,
  computeCpuMs: 0,
  scaling: [],
  batchBytes: 1000,
};

const verdict = (kind: Verdict["kind"], cause?: Verdict["cause"]): Verdict => ({ ...({} as Verdict), kind, cause });

describe("calibrationOf", () => {
  it("makes the model predict a run that its input holds up, whichever part of it is to blame", () => {
    const causes = fc.constantFrom<Verdict["cause"]>("prep", "fetch", "both", undefined);
    fc.assert(
      fc.property(causes, fc.double({ min: 0.8, max: 1.2, noNaN: true }), (cause, factor) => {
        const runPerSec = factor * predict(MODEL).samplesPerSec;
        const calibration = calibrationOf(MODEL, runPerSec, verdict("input-bound", cause));
        expect(predict(changeModel(MODEL, calibration)).samplesPerSec / runPerSec).toBeCloseTo(1, 6);
        expect(Object.keys(calibration)).toHaveLength(cause === "prep" || cause === "fetch" ? 1 : 2);
      }),
    );
  });

  it("leaves a model alone that its input does not hold up, and one that is of another input", () => {
    const { samplesPerSec } = predict(MODEL);
    for (const kind of ["compute-bound", "balanced", "undecided"] as const)
      expect(calibrationOf(MODEL, 0.8 * samplesPerSec, verdict(kind))).toEqual({});
    for (const factor of [0.3, 3])
      expect(calibrationOf(MODEL, factor * samplesPerSec, verdict("input-bound"))).toEqual({});
    expect(calibrationOf(MODEL, 0.5 * samplesPerSec, verdict("input-bound", "fetch"))).toEqual({});
  });

  it("lets what is predicted begin at what the run reached, and keeps what was measured", async () => {
    const clock = new HandClock();
    // The run is slower than the phases that follow it.
    const pattern = [...Array.from({ length: 60 }, () => 1.25), ...Array.from({ length: 100_000 }, () => 1)];
    const loader = new FakeLoader(clock, { numWorkers: 1, coldMs: 0.02, warmMs: 0.01, prepMs: 4 });
    const slow = new FakeLoader(clock, { ...loader.costs, pattern });
    slow.variant = (change) => loader.variant(change);
    const phases = { ...UNMEASURED, scaling: true };
    const report = await profile({
      loader: slow,
      step: () => clock.pass(5),
      fence: () => undefined,
      steps: 40,
      clock,
      phases,
    });
    const { model, calibration = {}, whatIf = [], throughput } = report;
    const measured = model?.scaling.find(({ numWorkers }) => numWorkers === 1)?.samplesPerSec;
    expect(measured).toBeCloseTo(1000 / 4.01, 3);
    expect(throughput.samplesPerSec).toBeCloseTo(800 / 4.01, 3);
    expect(calibration.prepFactor).toBeCloseTo(1.25, 2);
    const more = whatIf.find(({ change }) => change.numWorkers === 4);
    expect((more?.samplesPerSec ?? 0) / (throughput.samplesPerSec ?? 0)).toBeCloseTo(4, 2);
  });
});
