import type { StepTimes } from "../step-log.js";
import type { TimeBudget } from "../time-budget.js";
import type { Advice } from "../profile/advice.js";
import type { CausesReport } from "../profile/causes.js";
import type { MeasuringCost } from "../profile/measuring-cost.js";
import type { BestEpoch } from "../training/best-epoch.js";
import type { Verdict } from "../profile/verdict.js";

/** Version of the reports that this version writes and reads. */
export const REPORT_VERSION = 1;
/** Steps that a report lists one by one, at most: the newest. */
export const REPORT_STEPS = 2000;

/** A line about the run for the reader of its report, such as `backend: wasm`. */
export interface Fact {
  readonly name: string;
  readonly value: string;
}

/** Something that limits what a report can say. */
export interface Warning {
  /** For machines: `few-steps`, `noisy`, `no-fence`, `ended-early`, `passes`, `clock-jump`, `stragglers`. */
  readonly code: string;
  readonly text: string;
}

/** How fast a run went. */
export interface Throughput {
  readonly stepsPerSec: number;
  /** `undefined` where batches do not say how many samples they hold. */
  readonly samplesPerSec: number | undefined;
}

/** What every report says. */
export interface RunReport {
  readonly reportVersion: 1;
  /** What the caller said about the run. */
  readonly facts: readonly Fact[];
  readonly verdict: Verdict;
  /** What an infinitely fast loader would gain at most: a factor on throughput. */
  readonly headspace: number;
  readonly throughput: Throughput;
  readonly budget: TimeBudget;
  /** Ranked, the most promising first; derived only from what was measured. */
  readonly advice: readonly Advice[];
  readonly cost: MeasuringCost;
  /** What else went on meanwhile; `undefined` on a clock that is not the process's. */
  readonly causes?: CausesReport | undefined;
  readonly warnings: readonly Warning[];
  /** The newest steps, at most {@link REPORT_STEPS}; the last one is step `budget.steps - 1`. */
  readonly steps: readonly StepTimes[];
}

/** What {@link profile} found. */
export interface ProfileReport extends RunReport {
  readonly kind: "profile";
  /** Steps asked for; `budget.steps` were measured. */
  readonly requestedSteps: number;
  /** Steps run before the first one measured. */
  readonly warmupSteps: number;
  /** How often the iterable was begun: once, and again each time it ended before the steps were done. */
  readonly passes: number;
}

/** One epoch of a training run. */
export interface EpochReport {
  /** From 0. */
  readonly epoch: number;
  readonly steps: number;
  /** Mean over the epoch's samples, while the weights changed. */
  readonly loss: number;
  /** Share of the epoch's samples that were classified right, 0..1, while the weights changed. */
  readonly accuracy: number | undefined;
  /** Samples per second of training, validation left out. */
  readonly samplesPerSec: number;
  /** `undefined` without a validation loader. */
  readonly validation: ValidationReport | undefined;
}

/** A pass over the validation split. */
export interface ValidationReport {
  readonly samples: number;
  readonly loss: number;
  /** 0..1 */
  readonly accuracy: number;
  /** Time of the pass in ms; no step of the budget contains it. */
  readonly wallMs: number;
}

/**
 * What {@link train} did. The budget is of all steps; the verdict of a run of 30 steps and more leaves out the first ten,
 * in which workers start and the device compiles.
 */
export interface TrainReport extends RunReport {
  readonly kind: "train";
  /** All epochs of the run, those before it was resumed as well. */
  readonly epochs: readonly EpochReport[];
  /** The step that a resumed run began with; 0 for a fresh one. */
  readonly firstStep: number;
  /** Path of the newest checkpoint, `undefined` if none was written. */
  readonly checkpoint: string | undefined;
  /** Time spent writing checkpoints in ms; no step of the budget contains it. */
  readonly checkpointMs: number;
  /** The best epoch by the option `metric`; `undefined` if it was never measured. */
  readonly best?: BestEpoch | undefined;
  /** True if the run ended because the metric got no better. */
  readonly stoppedEarly?: boolean | undefined;
}

/** What {@link profile} and {@link train} return. */
export type Report = ProfileReport | TrainReport;
