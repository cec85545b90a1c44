import type { EpochReport, ValidationReport } from "../report/report.js";
import type { TimeShares } from "./time-shares.js";

/** Where training stands, after a fence. Means and rates are of the steps since the last one. */
export interface StepsProgress extends TimeShares {
  readonly kind: "steps";
  /** From 0. */
  readonly epoch: number;
  /** Updates done, over all epochs. */
  readonly step: number;
  /** Updates of the whole run; `undefined` if the loader has no length. */
  readonly totalSteps: number | undefined;
  readonly loss: number;
  /** 0..1; `undefined` if the step function does not count. */
  readonly accuracy: number | undefined;
  readonly samplesPerSec: number;
  readonly learningRate: number;
}

/** The run begins, or goes on; told once, before the first batch. */
export interface StartProgress {
  readonly kind: "start";
  /** Updates done before; 0 for a fresh run. What was logged of later steps is of a run that was cut off. */
  readonly step: number;
  /** Updates of the whole run; `undefined` if the loader has no length. */
  readonly totalSteps: number | undefined;
}

/** A pass over the validation split is done. */
export interface ValidationProgress extends ValidationReport {
  readonly kind: "validation";
  readonly epoch: number;
  /** Updates done. */
  readonly step: number;
}

/** An epoch is done, with its validation. */
export interface EpochProgress extends EpochReport {
  readonly kind: "epoch";
  /** Updates done, over all epochs. */
  readonly step: number;
}

/** A checkpoint is on disk. */
export interface CheckpointProgress {
  readonly kind: "checkpoint";
  /** Updates that it holds. */
  readonly step: number;
  readonly path: string;
}

/** What {@link TrainOptions.onProgress} and observers are told. */
export type TrainProgress = StartProgress | StepsProgress | ValidationProgress | EpochProgress | CheckpointProgress;

/** Follows a run, to log it, for one. Given as {@link TrainOptions.observers}. */
export interface TrainObserver {
  /** Told in the order in which things happen. Its time counts as `other`; an error that it throws ends the run. */
  observe(progress: TrainProgress): void;
  /** Called once when the run has ended, however it ended; the run waits for it. */
  close?(): Promise<void>;
}
