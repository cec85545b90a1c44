import { rankChanges, type PipelineModel } from "@millrace/loader";
import {
  profile,
  type AppliedReport,
  type Fact,
  type PhasesReport,
  type ProfileReport,
  type TrainReport,
  type WhatIfRow,
} from "@millrace/train";
import { HandClock } from "../hand-clock.js";

/** A report on a made-up run, the same each time but for what a span costs on this machine. */
export async function sampleReport(facts: readonly Fact[] = []): Promise<ProfileReport> {
  const clock = new HandClock();
  const batches = (function* (): Generator<{ size: number; stall: object }> {
    for (let n = 0; ; n++) {
      const prepMs = n % 10 === 0 ? 60 : 26;
      clock.pass(9 + prepMs);
      yield { size: 64, stall: { stallMs: 9 + prepMs, fetchStallMs: 9, prepStallMs: prepMs } };
    }
  })();
  const report = await profile({
    loader: batches,
    step: (_, { copy }) => {
      copy(() => clock.pass(2));
      clock.pass(59);
    },
    fence: () => Promise.resolve(),
    steps: 100,
    warmupSteps: 0,
    phases: false,
    facts,
    clock,
  });
  return { ...report, cost: { ...report.cost, spanNs: 400, fraction: 0.0001 } };
}

/** The same figures as the report of a training run. */
export async function sampleTrainReport(): Promise<TrainReport> {
  const { requestedSteps: _, warmupSteps: __, passes: ___, ...common } = await sampleReport();
  const validation = { samples: 2000, loss: 0.0712, accuracy: 0.981, wallMs: 800 };
  return {
    ...common,
    kind: "train",
    epochs: [{ epoch: 0, steps: 100, loss: 0.31, accuracy: 0.91, samplesPerSec: 640, validation }],
    firstStep: 0,
    checkpoint: undefined,
    checkpointMs: 0,
  };
}

/** The pipeline that the made-up run could be: one worker that takes 1.1 ms a sample, storage of 100 MB/s. */
export const SAMPLE_MODEL: PipelineModel = {
  batchSize: 64,
  numWorkers: 1,
  prefetchDepth: 2,
  cores: 4,
  prepCpuMs: 1.1,
  fetchLatencyMs: 0.2,
  storageBytesPerSec: 100e6,
  bytesPerSample: 20_000,
  cacheFraction: 0.25,
  computeMs: 61,
  computeCpuMs: 2,
  scaling: [
    { numWorkers: 1, samplesPerSec: 900 },
    { numWorkers: 2, samplesPerSec: 1780 },
  ],
  batchBytes: 9_600_000,
};

/** A report of which all that may be absent is there. */
export type FullReport = ProfileReport & {
  readonly phases: PhasesReport;
  readonly model: PipelineModel;
  readonly whatIf: readonly WhatIfRow[];
  readonly applied: readonly AppliedReport[];
};

/** The same figures with all that {@link profile} can add: phases, causes, a model, what it predicts, and a change. */
export async function sampleFullReport(facts: readonly Fact[] = []): Promise<FullReport> {
  const report = await sampleReport(facts);
  const whatIf = rankChanges(SAMPLE_MODEL, { storedAs: "jpeg" }).map(({ prediction, ...row }) => ({
    ...row,
    samplesPerSec: prediction.samplesPerSec,
    bound: prediction.bound,
  }));
  const phase = { spread: 0.012, batches: 40, wallMs: 2000 };
  return {
    ...report,
    causes: {
      gc: { count: 3, sumMs: 12.5, maxMs: 6.25 },
      eventLoop: { p50Ms: 0.125, p99Ms: 9.5, maxMs: 61 },
      workers: { busyFraction: 0.8, fetchFraction: 0.2, prepFraction: 0.6, idleFraction: 0.2, ringReadyFraction: 0.35 },
    },
    phases: {
      phases: [
        { ...phase, name: "synthetic", samplesPerSec: 1049, note: "one copied batch of the run, again and again" },
        { ...phase, name: "memory", samplesPerSec: 880, note: "the loader alone, without a step" },
        {
          name: "cold",
          samplesPerSec: undefined,
          spread: undefined,
          batches: 0,
          wallMs: 0,
          note: "not measured: no disk",
        },
      ],
      inRunSamplesPerSec: 644,
      boundSamplesPerSec: 880,
      bound: "prep",
      interference: 0.268,
      agrees: true,
      uncertainty: undefined,
      residency: "a quarter of the samples came from memory",
    },
    model: SAMPLE_MODEL,
    whatIf,
    applied: [
      {
        name: "workers: 1 -> 2",
        change: { numWorkers: 2 },
        beforePerSec: 644,
        predictedPerSec: 1049,
        measuredPerSec: 1030,
        errorFraction: 1049 / 1030 - 1,
        before: "input-bound",
        after: "compute-bound",
      },
    ],
  };
}
