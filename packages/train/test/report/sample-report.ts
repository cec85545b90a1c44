import { profile, type Fact, type ProfileReport, type TrainReport } from "@millrace/train";
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
