import { CAUSE_NAMES } from "../profile/causes-stragglers.js";
import { percent } from "../profile/verdict.js";
import type { Straggler } from "../time-budget.js";
import { digits } from "./digits.js";
import type { Report } from "./report.js";

/** Stragglers that a line of text names. */
const NAMED = 3;

/** Has to stand wherever the lag of the event loop does. */
export const LAG_NOTE = "Steps that compute on the thread of the event loop, as the backends do, show as lag.";

/** One cause beside the budget: its name, and what was seen of it. */
export interface CauseLine {
  readonly name: string;
  readonly text: string;
}

/** What went on beside the steps, a line for each cause that was watched. */
export function causeLines(report: Report): CauseLine[] {
  const { causes, budget } = report;
  const lines: CauseLine[] = [];
  if (causes !== undefined) {
    const { gc, eventLoop } = causes;
    const share = budget.wall.sumMs > 0 ? gc.sumMs / budget.wall.sumMs : 0;
    const pauses = `${gc.count} pauses, ${digits(gc.sumMs)} ms in all (${percent(share)}), the longest ${digits(gc.maxMs)} ms`;
    lines.push({ name: "garbage collection", text: gc.count === 0 ? "none" : pauses });
    const { p50Ms, p99Ms, maxMs } = eventLoop;
    const lag = `late by ${digits(p50Ms)} ms (p50), ${digits(p99Ms)} ms (p99), ${digits(maxMs)} ms at most`;
    lines.push({ name: "event loop", text: lag });
  }
  if (causes?.workers !== undefined) {
    const { fetchFraction, prepFraction, idleFraction, ringReadyFraction } = causes.workers;
    const shares = `fetch ${percent(fetchFraction)}, prep ${percent(prepFraction)}, waiting for room ${percent(idleFraction)}`;
    lines.push({ name: "workers", text: `${shares}; a batch lay ready ${percent(ringReadyFraction)} of the time` });
  }
  if (budget.stragglerCount > 0) {
    const slowest = budget.stragglers.slice(0, NAMED).map(stragglerText).join("; ");
    lines.push({ name: "stragglers", text: `${budget.stragglerCount} of ${budget.steps} steps: ${slowest}` });
  }
  return lines;
}

function stragglerText(straggler: Straggler): string {
  return `step ${straggler.step}, ${digits(straggler.excessMs)} ms more, by ${stragglerCause(straggler)}`;
}

/** What slowed a straggler down: its cause where it is known, or else the part of the step that grew. */
export function stragglerCause({ part, cause, causeMs }: Straggler): string {
  if (cause === undefined) return part;
  return `${CAUSE_NAMES[cause]}${causeMs === undefined ? "" : ` (${digits(causeMs)} ms)`}`;
}
