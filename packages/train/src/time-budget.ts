import type { StepLog, StepTimes } from "./step-log.js";

/** One part of the time over many steps. */
export interface PartSummary {
  readonly sumMs: number;
  /** Share of wall time, 0..1. */
  readonly fraction: number;
  /** Median over the steps. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

/** The parts of a step that own time; together they are its wall time. */
export const PARTS = ["stall", "copy", "compute", "other"] as const;
/** A part of a step that owns time. */
export type Part = (typeof PARTS)[number];

/** A step that took much longer than the others. */
export interface Straggler {
  /** Its number, from 0, among the steps measured. */
  readonly step: number;
  readonly wallMs: number;
  /** Over the median step. */
  readonly excessMs: number;
  /** The part that grew most over its own median. */
  readonly part: Part;
  /** What slowed it down, where that is known. */
  readonly cause?: StragglerCause | undefined;
  /** The time that the cause took, in ms; there with `cause`. */
  readonly causeMs?: number | undefined;
}

/** Causes of a slow step that can be known. */
export const STRAGGLER_CAUSES = ["gc", "worker-death", "fetch", "prep"] as const;
/**
 * What slowed a step down: garbage collection in the thread of the loop, a worker that died, storage, or decode and
 * transform.
 */
export type StragglerCause = (typeof STRAGGLER_CAUSES)[number];

/** Where the time of many steps went. */
export interface TimeBudget {
  /** Steps it sums up. */
  readonly steps: number;
  readonly wall: PartSummary;
  readonly stall: PartSummary;
  /** `undefined` where the source of batches does not divide its stall. */
  readonly fetchStall: PartSummary | undefined;
  /** `undefined` with `fetchStall`. */
  readonly prepStall: PartSummary | undefined;
  readonly copy: PartSummary;
  readonly compute: PartSummary;
  readonly other: PartSummary;
  /** Copies hidden behind something else; no part of the wall time. */
  readonly overlappedCopyMs: number;
  /** Steps longer than the median by half of it and by three deviations. */
  readonly stragglerCount: number;
  /** The slowest of them, at most ten, slowest first. */
  readonly stragglers: readonly Straggler[];
}

const STRAGGLERS_LISTED = 10;
/** Median absolute deviation to standard deviation, for normally distributed values. */
const MAD_TO_SIGMA = 1.4826;

/** Value at fraction `q` of `values`, by nearest rank; 0 if there are none. */
export function quantile(values: readonly number[], q: number): number {
  return ranked(
    values.toSorted((a, b) => a - b),
    q,
  );
}

function ranked(sorted: readonly number[], q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
}

/** Sums up the steps of a log: sums over all, quantiles over those that it still keeps. */
export function timeBudget(log: StepLog): TimeBudget {
  return budgetOf(log.steps(), log.sums(), log.count, log.first);
}

/** Sums up a list of steps. */
export function summarizeSteps(steps: readonly StepTimes[]): TimeBudget {
  return budgetOf(steps, sumOf(steps), steps.length, 0);
}

function sumOf(steps: readonly StepTimes[]): StepTimes {
  const sum = (part: (step: StepTimes) => number): number => steps.reduce((total, step) => total + part(step), 0);
  const divided = steps.every((step) => step.fetchStallMs !== undefined);
  const [stallMs, copyMs, computeMs, otherMs] = PARTS.map((part) => sum((step) => step[`${part}Ms`])) as [
    number,
    number,
    number,
    number,
  ];
  return {
    wallMs: stallMs + copyMs + computeMs + otherMs,
    stallMs,
    fetchStallMs: divided ? sum((step) => step.fetchStallMs ?? 0) : undefined,
    prepStallMs: divided ? sum((step) => step.prepStallMs ?? 0) : undefined,
    copyMs,
    computeMs,
    otherMs,
    overlappedCopyMs: sum((step) => step.overlappedCopyMs),
  };
}

function budgetOf(steps: readonly StepTimes[], sums: StepTimes, count: number, first: number): TimeBudget {
  const part = (sumMs: number, of: (step: StepTimes) => number): PartSummary => {
    const sorted = steps.map(of).toSorted((a, b) => a - b);
    return {
      sumMs,
      fraction: sums.wallMs > 0 ? sumMs / sums.wallMs : 0,
      p50Ms: ranked(sorted, 0.5),
      p95Ms: ranked(sorted, 0.95),
      p99Ms: ranked(sorted, 0.99),
    };
  };
  const optional = (sumMs: number | undefined, of: (step: StepTimes) => number): PartSummary | undefined =>
    sumMs === undefined ? undefined : part(sumMs, of);
  const stragglers = stragglersOf(steps, first);
  return {
    steps: count,
    wall: part(sums.wallMs, (step) => step.wallMs),
    stall: part(sums.stallMs, (step) => step.stallMs),
    fetchStall: optional(sums.fetchStallMs, (step) => step.fetchStallMs ?? 0),
    prepStall: optional(sums.prepStallMs, (step) => step.prepStallMs ?? 0),
    copy: part(sums.copyMs, (step) => step.copyMs),
    compute: part(sums.computeMs, (step) => step.computeMs),
    other: part(sums.otherMs, (step) => step.otherMs),
    overlappedCopyMs: sums.overlappedCopyMs,
    stragglerCount: stragglers.length,
    stragglers: stragglers.slice(0, STRAGGLERS_LISTED),
  };
}

function stragglersOf(steps: readonly StepTimes[], first: number): Straggler[] {
  const walls = steps.map((step) => step.wallMs);
  const medianMs = quantile(walls, 0.5);
  const deviationMs =
    MAD_TO_SIGMA *
    quantile(
      walls.map((wallMs) => Math.abs(wallMs - medianMs)),
      0.5,
    );
  const limitMs = medianMs + Math.max(medianMs / 2, 3 * deviationMs);
  const medians = new Map(
    PARTS.map((part) => [
      part,
      quantile(
        steps.map((step) => step[`${part}Ms`]),
        0.5,
      ),
    ]),
  );
  const grown = (step: StepTimes, part: Part): number => step[`${part}Ms`] - (medians.get(part) ?? 0);
  return steps
    .map((step, index) => ({ step, index }))
    .filter(({ step }) => step.wallMs > limitMs)
    .toSorted((a, b) => b.step.wallMs - a.step.wallMs)
    .map(({ step, index }) => ({
      step: first + index,
      wallMs: step.wallMs,
      excessMs: step.wallMs - medianMs,
      part: PARTS.reduce((most, part) => (grown(step, part) > grown(step, most) ? part : most)),
    }));
}
