import type { TimeBudget } from "../time-budget.js";

/** Shares of the wall time of some steps, 0..1. Stall, copy, compute and other add up to 1. */
export interface TimeShares {
  /** The loop waited for batches. */
  readonly stallFraction: number;
  /** Of it, what reading took; `undefined` where the loader does not divide its stall. */
  readonly fetchStallFraction: number | undefined;
  /** Of it, what decoding and transforms took; `undefined` with `fetchStallFraction`. */
  readonly prepStallFraction: number | undefined;
  readonly copyFraction: number;
  readonly computeFraction: number;
  readonly otherFraction: number;
}

/** The shares of a budget. */
export function timeShares({ stall, fetchStall, prepStall, copy, compute, other }: TimeBudget): TimeShares {
  return {
    stallFraction: stall.fraction,
    fetchStallFraction: fetchStall?.fraction,
    prepStallFraction: prepStall?.fraction,
    copyFraction: copy.fraction,
    computeFraction: compute.fraction,
    otherFraction: other.fraction,
  };
}
