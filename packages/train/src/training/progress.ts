import type { EpochReport, ValidationReport } from "../report/report.js";

/** Where training stands, after a fence. Means and rates are of the steps since the last one. */
export interface StepsProgress {
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
  /** Share of the time in which the loop waited for batches, 0..1. */
  readonly stallFraction: number;
  readonly learningRate: number;
}

/** What {@link TrainOptions.onProgress} is told. */
export type TrainProgress =
  | StepsProgress
  | ({ readonly kind: "validation"; readonly epoch: number } & ValidationReport)
  | ({ readonly kind: "epoch" } & EpochReport)
  | { readonly kind: "checkpoint"; readonly step: number; readonly path: string };
