import type { EpochReport } from "../report/report.js";

/** What can decide which epoch is the best one. */
export const METRICS = ["validationLoss", "validationAccuracy", "loss", "accuracy"] as const;
/** What can decide which epoch is the best one. */
export type MetricName = (typeof METRICS)[number];

/** The best epoch of a run so far. */
export interface BestEpoch {
  readonly metric: MetricName;
  readonly value: number;
  /** From 0. */
  readonly epoch: number;
  /** Updates done when it ended. */
  readonly step: number;
  /** How often the metric has been measured since, without getting better. */
  readonly misses: number;
}

/** The value of a metric in an epoch; `undefined` if it was not measured. */
export function metricOf(report: EpochReport, metric: MetricName): number | undefined {
  switch (metric) {
    case "loss":
      return report.loss;
    case "accuracy":
      return report.accuracy;
    case "validationLoss":
      return report.validation?.loss;
    case "validationAccuracy":
      return report.validation?.accuracy;
  }
}

/**
 * The best epoch after one more, a pure function. An epoch is better if its metric is better by more than `minDelta`:
 * lower for a loss, higher for an accuracy. One in which it was not measured changes nothing.
 */
export function bestAfter(
  best: BestEpoch | undefined,
  report: EpochReport,
  { metric, minDelta, step }: { readonly metric: MetricName; readonly minDelta: number; readonly step: number },
): BestEpoch | undefined {
  const value = metricOf(report, metric);
  if (value === undefined) return best;
  const isLoss = metric === "loss" || metric === "validationLoss";
  const isBetter = best === undefined || (isLoss ? best.value - value : value - best.value) > minDelta;
  if (isBetter) return { metric, value, epoch: report.epoch, step, misses: 0 };
  return { ...best, misses: best.misses + 1 };
}
