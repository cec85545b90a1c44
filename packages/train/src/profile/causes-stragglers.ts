import type { StepLog, StepTimes } from "../step-log.js";
import type { Straggler, StragglerCause, TimeBudget } from "../time-budget.js";
import type { GcPause } from "./causes-gc.js";

/** What happened at a known time and can have made a step slow. Times are ms of the clock of the run. */
export interface Incidents {
  readonly pauses: readonly GcPause[];
  /** When a worker died. */
  readonly deaths: readonly number[];
}

/** The causes in words. */
export const CAUSE_NAMES: Readonly<Record<StragglerCause, string>> = {
  gc: "garbage collection",
  "worker-death": "the death of a worker",
  fetch: "storage",
  prep: "decode and transform",
};

/** Nothing happened. */
export const NO_INCIDENTS: Incidents = { pauses: [], deaths: [] };

/**
 * Says of the stragglers that a budget lists what slowed them down, where it is known: garbage collection that is half
 * of the excess or more, a worker that died while the step waited for its batch, or else the part of the stall that grew.
 */
export function nameStragglers(budget: TimeBudget, log: StepLog, incidents: Incidents): TimeBudget {
  const stragglers = budget.stragglers.map((straggler) => ({
    ...straggler,
    ...causeOf(straggler, budget, log, incidents),
  }));
  return { ...budget, stragglers };
}

type Cause = Pick<Straggler, "cause" | "causeMs">;

function causeOf(straggler: Straggler, budget: TimeBudget, log: StepLog, { pauses, deaths }: Incidents): Cause {
  const { step, wallMs, excessMs, part } = straggler;
  const endMs = log.endMs(step);
  const startMs = endMs - wallMs;
  const gcMs = pauses.reduce(
    (sum, pause) => sum + Math.max(0, Math.min(endMs, pause.endMs) - Math.max(startMs, pause.startMs)),
    0,
  );
  if (gcMs >= excessMs / 2) return { cause: "gc", causeMs: gcMs };
  const [times] = log.steps(step, step + 1);
  if (part !== "stall" || times === undefined) return {};
  const stallMs = times.stallMs - budget.stall.p50Ms;
  if (deaths.some((ms) => ms >= startMs && ms <= endMs)) return { cause: "worker-death", causeMs: stallMs };
  return stallCause(times, budget);
}

function stallCause({ fetchStallMs, prepStallMs }: StepTimes, { fetchStall, prepStall }: TimeBudget): Cause {
  if (fetchStallMs === undefined || prepStallMs === undefined) return {};
  if (fetchStall === undefined || prepStall === undefined) return {};
  const fetchMs = fetchStallMs - fetchStall.p50Ms;
  const prepMs = prepStallMs - prepStall.p50Ms;
  return fetchMs > prepMs ? { cause: "fetch", causeMs: fetchMs } : { cause: "prep", causeMs: prepMs };
}
