import { headspaceOf, percent, type Verdict } from "./verdict.js";
import { PARTS, STRAGGLER_CAUSES, type Part, type StragglerCause, type TimeBudget } from "../time-budget.js";
import type { WhatIfRow } from "../report/report.js";
import { CAUSE_NAMES } from "./causes-stragglers.js";
import { predictedAdvice } from "./predicted-advice.js";

/** What the user could change. */
export interface Advice {
  /** For machines: `prep`, `fetch`, `stall`, `copy`, `compute`, `other`, `stragglers`. */
  readonly code: "prep" | "fetch" | "stall" | "copy" | "compute" | "other" | "stragglers";
  /** One or two plain sentences. */
  readonly text: string;
  /** Share of wall time that it is about, 0..1. */
  readonly fraction: number;
  /** The factor on throughput if that time were gone, the most it can gain; `undefined` where the run cannot tell. */
  readonly gain: number | undefined;
  /** True where `gain` is what the model of the run predicts for one change, not the most that there is. */
  readonly isPredicted?: boolean | undefined;
}

/** Less than this share of wall time is not worth a line. */
const WORTH = 0.02;

const INPUT_TEXT: Readonly<Record<"prep" | "fetch" | "stall", (share: string) => string>> = {
  prep: (share) =>
    `Decode and transform hold up ${share} of step time: more workers, smaller stored images or raw shards would help.`,
  fetch: (share) =>
    `Storage holds up ${share} of step time: fewer bytes a sample, a faster disk or the dataset in memory would help.`,
  stall: (share) =>
    `The step waits ${share} of its time for batches. Their source does not say what it waits for; a millrace loader divides its stall into fetch and prep.`,
};

/**
 * Ranked advice, derived from the budget and its verdict. What a model of the run predicts takes the place of what the
 * budget alone can say of fetch, prep and compute.
 * @param rows - What changes would bring, best first.
 */
export function advise(budget: TimeBudget, verdict: Verdict, rows: readonly WhatIfRow[] = []): Advice[] {
  const wallMs = budget.wall.sumMs;
  const advice: Advice[] = [];
  const add = (code: Advice["code"], sumMs: number, text: (share: string) => string): void => {
    const fraction = wallMs > 0 ? sumMs / wallMs : 0;
    if (fraction < WORTH) return;
    advice.push({ code, text: text(percent(fraction)), fraction, gain: headspaceOf(wallMs, sumMs) });
  };
  const { stall, fetchStall, prepStall } = budget;
  const isPredicted = rows.length > 0;
  if (!isPredicted && (fetchStall === undefined || prepStall === undefined))
    add("stall", stall.sumMs, INPUT_TEXT.stall);
  if (!isPredicted && fetchStall !== undefined && prepStall !== undefined) {
    add("prep", prepStall.sumMs, INPUT_TEXT.prep);
    add("fetch", fetchStall.sumMs, INPUT_TEXT.fetch);
  }
  add(
    "copy",
    budget.copy.sumMs,
    (share) =>
      `Uploading takes ${share} of step time: uint8 that is normalised on the device is a quarter of the bytes of float32.`,
  );
  add(
    "other",
    budget.other.sumMs,
    (share) => `${share} of step time is neither stall, copy nor compute: look at what the loop does between batches.`,
  );
  const excessMs = budget.stragglers.reduce((sum, straggler) => sum + straggler.excessMs, 0);
  add("stragglers", excessMs, (share) => stragglerText(budget, share));
  advice.sort((a, b) => b.fraction - a.fraction);
  if (isPredicted) return [...predictedAdvice(budget, rows), ...advice];
  if (verdict.kind === "compute-bound") advice.unshift(computeAdvice(budget));
  return advice;
}

function stragglerText(budget: TimeBudget, share: string): string {
  const count = (part: Part): number => budget.stragglers.filter((straggler) => straggler.part === part).length;
  const most = PARTS.reduce((best, part) => (count(part) > count(best) ? part : best));
  return `${budget.stragglerCount} of ${budget.steps} steps are much slower than the median, mostly by ${most}${knownCause(budget)}; the slowest cost ${share} of the time.`;
}

/** What slowed down most of the stragglers that have a known cause. */
function knownCause({ stragglers }: TimeBudget): string {
  const count = (cause: StragglerCause): number => stragglers.filter((straggler) => straggler.cause === cause).length;
  const most = STRAGGLER_CAUSES.reduce((best, cause) => (count(cause) > count(best) ? cause : best));
  return count(most) === 0 ? "" : ` (${CAUSE_NAMES[most]} in ${count(most)} of the ${stragglers.length} slowest)`;
}

function computeAdvice(budget: TimeBudget): Advice {
  const headspace = headspaceOf(budget.wall.sumMs, budget.stall.sumMs);
  return {
    code: "compute",
    text: `The device is busy ${percent(budget.compute.fraction)} of the time: a faster backend, a faster device or a smaller model would help. A faster loader or disk can gain no more than ${headspace.toFixed(2)}x.`,
    fraction: budget.compute.fraction,
    gain: undefined,
  };
}
