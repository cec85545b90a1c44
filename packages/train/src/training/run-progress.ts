import type { Checkpoint, RunningEpoch } from "../checkpoint/checkpoint.js";
import type { EpochReport, ValidationReport } from "../report/report.js";
import { bestAfter, type BestEpoch } from "./best-epoch.js";
import { addMetrics, type MetricSums } from "./step-metrics.js";
import type { TrainSettings } from "./train-settings.js";

/** The epochs of a run: those that are done, the one in work, and the best. */
export class RunProgress {
  readonly epochs: EpochReport[] = [];
  /** Its time is that of the run that is resumed; this run's counts from `#since`. */
  #running: RunningEpoch = beginEpoch(0);
  #since = 0;
  #best: BestEpoch | undefined;

  /** @param wallMs - The time of all steps of this run so far. */
  constructor(
    readonly settings: Pick<TrainSettings, "metric" | "minDelta" | "earlyStop">,
    readonly wallMs: () => number,
  ) {}

  get best(): BestEpoch | undefined {
    return this.#best;
  }

  /** True when the metric got no better for too long. */
  get isStopped(): boolean {
    const { earlyStop } = this.settings;
    return earlyStop !== undefined && this.#best !== undefined && this.#best.misses >= earlyStop;
  }

  /** The epoch in work. */
  get running(): RunningEpoch {
    return { ...this.#running, wallMs: this.#running.wallMs + this.wallMs() - this.#since };
  }

  /** Begins an epoch, or goes on with it. */
  begin(epoch: number): void {
    if (this.#running.epoch === epoch) return;
    this.#running = beginEpoch(epoch);
    this.#since = this.wallMs();
  }

  countStep(): void {
    this.#running = { ...this.#running, steps: this.#running.steps + 1 };
  }

  add(sums: MetricSums): void {
    this.#running = { ...this.#running, ...addMetrics({ correct: undefined, ...this.#running }, sums) };
  }

  /** Ends the epoch in work after `step` updates. Tells whether it is the best one. */
  end(validation: ValidationReport | undefined, step: number): { report: EpochReport; isBest: boolean } {
    const { epoch, steps, samples, lossSum, correct, wallMs } = this.running;
    const report: EpochReport = {
      epoch,
      steps,
      loss: lossSum / samples,
      accuracy: correct === undefined ? undefined : correct / samples,
      samplesPerSec: wallMs > 0 ? (samples * 1000) / wallMs : 0,
      validation,
    };
    this.epochs.push(report);
    this.#best = bestAfter(this.#best, report, { ...this.settings, step });
    this.begin(epoch + 1);
    return { report, isBest: this.#best?.epoch === epoch };
  }

  /** What a checkpoint keeps. */
  save(): Pick<Checkpoint, "epochs" | "running" | "best"> {
    const running = this.#running.steps === 0 ? null : this.running;
    return { epochs: this.epochs, running, best: this.#best ?? null };
  }

  restore({ epochs, running, best }: Checkpoint): void {
    this.epochs.push(...epochs);
    this.#running = running ?? beginEpoch(epochs.length);
    this.#best = best ?? undefined;
  }
}

function beginEpoch(epoch: number): RunningEpoch {
  return { epoch, steps: 0, samples: 0, lossSum: 0, correct: 0, wallMs: 0 };
}
