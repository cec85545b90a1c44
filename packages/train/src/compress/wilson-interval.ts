import type { Interval } from "../profile/verdict.js";

/** Two-sided 95 % of the normal distribution. */
const Z = 1.959964;

/**
 * The 95 % interval of a share of which `successes` of `trials` were seen (Wilson, "Probable Inference, the Law of
 * Succession, and Statistical Inference", 1927): unlike the one by the standard error it keeps within 0 and 1, and is not
 * empty where every answer was right. Without trials nothing is known: 0 to 1.
 */
export function wilsonInterval(successes: number, trials: number): Interval {
  if (trials === 0) return { low: 0, high: 1 };
  const share = successes / trials;
  const centre = share + (Z * Z) / (2 * trials);
  const half = Z * Math.sqrt((share * (1 - share)) / trials + (Z * Z) / (4 * trials * trials));
  const scale = 1 + (Z * Z) / trials;
  return { low: Math.max(0, (centre - half) / scale), high: Math.min(1, (centre + half) / scale) };
}

/** A share that was measured. */
export interface MeasuredShare {
  /** 0..1 */
  readonly value: number;
  /** Of 95 %. */
  readonly interval: Interval;
}

/**
 * The 95 % interval of how much a share lost from before to after (Newcombe, "Interval Estimation for the Difference
 * Between Independent Proportions", 1998, method 10). Two models that answer the same questions mostly agree, so this
 * interval, which takes their answers for independent, is wider than it need be.
 */
export function lossInterval(before: MeasuredShare, after: MeasuredShare): Interval {
  const loss = before.value - after.value;
  const below = Math.hypot(before.value - before.interval.low, after.interval.high - after.value);
  const above = Math.hypot(before.interval.high - before.value, after.value - after.interval.low);
  return { low: loss - below, high: loss + above };
}
