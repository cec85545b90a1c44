import type { ErrorCode } from "@millrace/formats";
import type { Bound, Change, PipelineModel } from "@millrace/loader";
import type { StepTimes } from "../step-log.js";
import type { TimeBudget } from "../time-budget.js";
import type { Advice } from "../profile/advice.js";
import type { Calibration } from "../profile/calibration.js";
import type { CausesReport } from "../profile/causes.js";
import type { MeasuringCost } from "../profile/measuring-cost.js";
import type { BestEpoch } from "../training/best-epoch.js";
import type { Verdict, VerdictKind } from "../profile/verdict.js";

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
  /**
   * For machines: `failed`, `few-steps`, `noisy`, `no-fence`, `ended-early`, `passes`, `clock-jump`, `long-step`,
   * `stragglers`; of the phases `no-phases`, `noisy-phase`, `phases-disagree`, `interference`, `warm-data`;
   * `nothing-applied`, `applied-worse`; `no-history`.
   */
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
  /** Why the run ended before its steps were done; `undefined` if it did not, or if `profile` throws. */
  readonly failure?: FailureReport | undefined;
  /** The step and the input, measured one by one; `undefined` if that was not asked for. */
  readonly phases?: PhasesReport | undefined;
  /** What was measured, for predictions; `undefined` where the phases do not give it. */
  readonly model?: PipelineModel | undefined;
  /**
   * What makes the model predict this run: predictions are of the model with these factors. Empty where the input did not
   * hold the run up; `undefined` without a model.
   */
  readonly calibration?: Calibration | undefined;
  /** What changes would bring, the best first; `undefined` without a model. */
  readonly whatIf?: readonly WhatIfRow[] | undefined;
  /** What {@link profileAndApply} changed, in order. */
  readonly applied?: readonly AppliedReport[] | undefined;
}

/** Why a run ended before its steps were done. */
export interface FailureReport {
  /** The step in which it ended, from 0; negative ones are warm-up. */
  readonly step: number;
  /** Of an error of millrace; `undefined` for any other, as a loader that is not millrace's may throw. */
  readonly code?: ErrorCode | undefined;
  /** Finer than `code`, as `STEP_THREW` and `STEP_OVERDUE`. */
  readonly reason?: string | undefined;
  /** What the error says. */
  readonly text: string;
}

/** One part of a run, measured by itself. */
export interface PhaseReport {
  /**
   * `synthetic`: the step on one batch that is there (G). `memory`: the loader on data in memory (P). `cold`: reading
   * alone, on cold data (F). `input`: an iterable that is no millrace loader, without a step.
   */
  readonly name: "synthetic" | "memory" | "cold" | "input";
  /** `undefined` where it could not be measured. */
  readonly samplesPerSec: number | undefined;
  /** Half the range of the rates of three blocks over their mean; `undefined` with `samplesPerSec`. */
  readonly spread: number | undefined;
  /** Batches measured, warm-up left out. */
  readonly batches: number;
  readonly wallMs: number;
  /** How it was measured, or why it could not be. */
  readonly note: string;
}

/** The parts of a run measured by themselves, and the run compared with them. */
export interface PhasesReport {
  readonly phases: readonly PhaseReport[];
  readonly inRunSamplesPerSec: number;
  /** The lowest rate of the parts; `undefined` where one is missing. */
  readonly boundSamplesPerSec: number | undefined;
  /** The part that has it; `undefined` where it is an input of which the parts are not known. */
  readonly bound: Bound | undefined;
  /** The share of that rate that the run does not reach, 0..1; below 0 if the run was faster. */
  readonly interference: number | undefined;
  /** Whether the verdict of the run is what the parts let expect; `undefined` where they cannot tell. */
  readonly agrees: boolean | undefined;
  /**
   * By what share a part that matters varied: predictions are known no better. `undefined` where none varied by more than
   * 15 %.
   */
  readonly uncertainty: number | undefined;
  /** Whether the data of the run came from memory or from storage, and how one can tell. */
  readonly residency: string;
}

/** What one change would bring. */
export interface WhatIfRow {
  /** As in `workers: 1 -> 2`. */
  readonly name: string;
  readonly change: Change;
  /** What it takes: an option of the loader, to convert the data again, to train in another way, or to buy something. */
  readonly needs: "option" | "conversion" | "training" | "hardware";
  /** `needs` is `hardware`. */
  readonly needsHardware: boolean;
  /** Predicted. */
  readonly samplesPerSec: number;
  /** Share by which throughput grows: 0.5 is half as much again. */
  readonly gain: number;
  /** What limits the run then. */
  readonly bound: Bound;
}

/** A change that was made, and measured. */
export interface AppliedReport {
  readonly name: string;
  readonly change: Change;
  readonly beforePerSec: number;
  readonly predictedPerSec: number;
  readonly measuredPerSec: number;
  /** Predicted over measured, less 1: above 0 where too much was promised. */
  readonly errorFraction: number;
  /** The verdict before and after. */
  readonly before: VerdictKind;
  readonly after: VerdictKind;
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
