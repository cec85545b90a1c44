import { PARTS, type Part } from "../time-budget.js";
import type { StepTimes } from "../step-log.js";

/** What limits a run. `balanced`: two parts are too close to call; `undecided`: the data do not carry a verdict. */
export const VERDICTS = ["input-bound", "compute-bound", "copy-bound", "balanced", "undecided"] as const;
/** What limits a run. */
export type VerdictKind = (typeof VERDICTS)[number];

/** A range of a fraction, 0..1. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** What limits a run, and why one can say so. */
export interface Verdict {
  readonly kind: VerdictKind;
  /**
   * Of an `input-bound` run whose loader divides its stall: what causes two thirds of it or more, else `both`; `fetch`,
   * too, where the phases of a profile find that storage, which all workers share, is the limit.
   */
  readonly cause: "fetch" | "prep" | "both" | undefined;
  /** One clause with the figures that decided. */
  readonly reason: string;
  /** The 95 % interval of the stall's share of wall time, from ten blocks of steps; `undefined` below 20 steps. */
  readonly stallInterval: Interval | undefined;
  /** Measured steps that a verdict needs, where more would help. */
  readonly stepsNeeded: number | undefined;
}

/** A verdict needs so many measured steps. */
export const MIN_STEPS = 20;
/**
 * A run whose stall has this share is limited by its input. A loader 10 % slower than the device stalls it for 9 % of
 * the time, one that is just faster for none: this lies between.
 */
export const INPUT_BOUND = 0.07;
/** An interval that reaches so far to both sides of the limit is too wide to be called balanced. */
const TIE_HALF_WIDTH = 0.02;
/** Two parts that differ by less than this share of the larger one are a tie. */
const TIE = 0.1;
/** A step that takes this share of the time of all may not decide alone. */
const DOMINANT = 0.2;
const BLOCKS = 10;
/** Student's t for 9 degrees of freedom, 97.5 %. */
const T_BLOCKS = 2.262;

/** `0.384` as `38 %`, `0.0384` as `3.8 %`. */
export function percent(fraction: number): string {
  const value = fraction * 100;
  return `${value >= 9.95 || value < 0.05 ? Math.round(value) : value.toFixed(1)} %`;
}

/** The verdict on measured steps, warm-up left out. */
export function judge(steps: readonly StepTimes[]): Verdict {
  if (steps.length < MIN_STEPS) {
    return {
      kind: "undecided",
      cause: undefined,
      reason: `${steps.length} steps were measured, a verdict needs ${MIN_STEPS}`,
      stallInterval: undefined,
      stepsNeeded: MIN_STEPS,
    };
  }
  const verdict = verdictOf(steps);
  const wallMs = steps.reduce((sum, step) => sum + step.wallMs, 0);
  const longest = steps.reduce((most, step, at) => (step.wallMs > (steps[most] as StepTimes).wallMs ? at : most), 0);
  const share = wallMs > 0 ? (steps[longest] as StepTimes).wallMs / wallMs : 0;
  if (share < DOMINANT || verdict.kind === "undecided") return verdict;
  const { kind } = verdictOf(steps.toSpliced(longest, 1));
  if (kind === verdict.kind) return verdict;
  return {
    ...verdict,
    kind: "undecided",
    cause: undefined,
    reason: `one step took ${percent(share)} of the time; with it the run is ${verdict.kind}, without it ${kind}`,
  };
}

function verdictOf(steps: readonly StepTimes[]): Verdict {
  const share = sharesOf(steps);
  const half = halfWidth(steps);
  const stallInterval = { low: Math.max(0, share.stall - half), high: Math.min(1, share.stall + half) };
  const verdict = (kind: VerdictKind, reason: string, more: Partial<Verdict> = {}): Verdict => ({
    kind,
    reason,
    cause: undefined,
    stallInterval,
    stepsNeeded: undefined,
    ...more,
  });
  const range = `${percent(stallInterval.low)} to ${percent(stallInterval.high)}`;
  if (PARTS.every((part) => share.other >= share[part]))
    return verdict("undecided", `${percent(share.other)} of step time is neither stall, copy nor compute`);
  if (stallInterval.low >= INPUT_BOUND)
    return verdict("input-bound", `${percent(share.stall)} of step time is stall`, { cause: causeOf(steps) });
  if (stallInterval.high >= INPUT_BOUND) {
    if (half <= TIE_HALF_WIDTH)
      return verdict("balanced", `the stall's share is ${range}: the input is about as fast as the rest`);
    const distance = Math.max(TIE_HALF_WIDTH, Math.abs(share.stall - INPUT_BOUND));
    return verdict("undecided", `too noisy: the stall's share is anywhere from ${range}`, {
      stepsNeeded: Math.ceil(steps.length * Math.max(1.5, (half / distance) ** 2)),
    });
  }
  const larger = Math.max(share.copy, share.compute);
  if (Math.abs(share.copy - share.compute) < TIE * larger)
    return verdict("balanced", `copy ${percent(share.copy)}, compute ${percent(share.compute)} of step time`);
  return share.copy > share.compute
    ? verdict("copy-bound", `${percent(share.copy)} of step time is copy`)
    : verdict("compute-bound", `${percent(share.compute)} of step time is compute`);
}

/** What an infinitely fast loader would gain at most: a factor on throughput, 1 (no stall) to 1,000 (nothing else). */
export function headspaceOf(wallMs: number, stallMs: number): number {
  return wallMs > 0 ? wallMs / Math.max(wallMs - stallMs, wallMs / 1000) : 1;
}

function sharesOf(steps: readonly StepTimes[]): Record<Part, number> {
  const sum = (of: (step: StepTimes) => number): number => steps.reduce((total, step) => total + of(step), 0);
  const wallMs = sum((step) => step.wallMs);
  const share = (part: Part): number => (wallMs > 0 ? sum((step) => step[`${part}Ms`]) / wallMs : 0);
  return { stall: share("stall"), copy: share("copy"), compute: share("compute"), other: share("other") };
}

/** Half the 95 % interval of the stall's share. Blocks, because the stalls of neighbouring steps depend on each other. */
function halfWidth(steps: readonly StepTimes[]): number {
  const shares = Array.from({ length: BLOCKS }, (_, block) => {
    const at = (number: number): number => Math.floor((number * steps.length) / BLOCKS);
    return sharesOf(steps.slice(at(block), at(block + 1))).stall;
  });
  const mean = shares.reduce((sum, share) => sum + share, 0) / BLOCKS;
  const variance = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / (BLOCKS - 1);
  return T_BLOCKS * Math.sqrt(variance / BLOCKS);
}

function causeOf(steps: readonly StepTimes[]): Verdict["cause"] {
  let fetchMs = 0;
  let stallMs = 0;
  for (const step of steps) {
    if (step.fetchStallMs === undefined) return undefined;
    fetchMs += step.fetchStallMs;
    stallMs += step.stallMs;
  }
  const fetchShare = fetchMs / stallMs;
  if (fetchShare >= 2 / 3) return "fetch";
  return fetchShare <= 1 / 3 ? "prep" : "both";
}
