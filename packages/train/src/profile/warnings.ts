import type { Warning } from "../report/report.js";
import type { TimeBudget } from "../time-budget.js";
import { MIN_STEPS, percent, type Verdict } from "./verdict.js";

/** The half width of the stall's interval from which a run is called noisy. */
const NOISY = 0.05;
/** A step that takes this share of the time of all makes the figures its own. */
const DOMINANT = 0.5;

/** What limits the figures of a run, whatever it was. */
export function runWarnings(budget: TimeBudget, verdict: Verdict, clockJumps: number): Warning[] {
  const warnings: Warning[] = [];
  if (budget.steps < MIN_STEPS) {
    warnings.push({
      code: "few-steps",
      text: `${budget.steps} steps were measured; a verdict needs ${MIN_STEPS}, quantiles mean little below 100.`,
    });
  }
  const interval = verdict.stallInterval;
  if (interval !== undefined && interval.high - interval.low > 2 * NOISY) {
    const more = verdict.stepsNeeded === undefined ? "" : ` About ${verdict.stepsNeeded} steps would do.`;
    warnings.push({
      code: "noisy",
      text: `The stall's share is only known to be from ${percent(interval.low)} to ${percent(interval.high)}.${more}`,
    });
  }
  const [worst] = budget.stragglers;
  if (worst !== undefined && worst.wallMs > DOMINANT * budget.wall.sumMs && budget.steps >= MIN_STEPS) {
    warnings.push({
      code: "long-step",
      text: `Step ${worst.step} took ${percent(worst.wallMs / budget.wall.sumMs)} of the time of all ${budget.steps} steps: sums, shares and throughput are those of that step. The process or the machine may have been stopped, or the clock have jumped.`,
    });
  }
  if (budget.stragglerCount > 0) {
    warnings.push({
      code: "stragglers",
      text: `${budget.stragglerCount} of ${budget.steps} steps took much longer than the median of ${budget.wall.p50Ms.toFixed(1)} ms; the slowest, step ${worst?.step ?? 0}, took ${(worst?.wallMs ?? 0).toFixed(1)} ms.`,
    });
  }
  if (clockJumps > 0) {
    warnings.push({
      code: "clock-jump",
      text: `The clock went backwards ${clockJumps} times; those intervals count as nothing.`,
    });
  }
  return warnings;
}
