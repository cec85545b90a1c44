import { StepRecorder } from "../step-recorder.js";
import { quantile } from "../time-budget.js";
import { systemClock, type Clock } from "../clock.js";
import { SpanLog } from "../trace/span-log.js";

/** What the measuring itself cost. */
export interface MeasuringCost {
  /** Spans recorded. */
  readonly spans: number;
  /** Cost of one span on this machine, measured in this run, in nanoseconds. */
  readonly spanNs: number;
  /** Fences waited for. */
  readonly fences: number;
  /** Cost of one fence on an idle device, measured in this run; `undefined` without a fence. */
  readonly idleFenceMs: number | undefined;
  /** Time waited in fences; most of it is the device's own work. */
  readonly fenceWaitMs: number;
  /** Share of wall time that recording and idle fences took, 0..1. */
  readonly fraction: number;
}

/** What a run counts while it measures. */
export interface MeasuringCounts {
  readonly spans: number;
  readonly spanNs: number;
  readonly fences: number;
  readonly idleFenceMs: number | undefined;
  readonly fenceWaitMs: number;
}

const ROUNDS = 9;
const SPANS_A_ROUND = 1000;

/**
 * Measures what one span costs here: the median of nine rounds of 1,000 spans, about 2 ms in all.
 * @param isLogged - Whether spans are written to a {@link SpanLog}, too.
 */
export function measureSpanNs(isLogged: boolean = false): number {
  const recorder = new StepRecorder(systemClock, 16, isLogged ? new SpanLog(1024) : undefined);
  recorder.startStep();
  const rounds = Array.from({ length: ROUNDS }, () => {
    const start = systemClock.now();
    for (let span = 0; span < SPANS_A_ROUND; span++) {
      recorder.begin("compute");
      recorder.end("compute");
    }
    return ((systemClock.now() - start) * 1e6) / SPANS_A_ROUND;
  });
  return quantile(rounds, 0.5);
}

/** Measures what a fence costs that has nothing to wait for: the median of five, after one that waits for the device. */
export async function measureIdleFenceMs(fence: () => unknown, clock: Clock): Promise<number> {
  await fence();
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const start = clock.now();
    await fence();
    times.push(clock.now() - start);
  }
  return quantile(times, 0.5);
}

/** The cost of measuring a run that took `wallMs`. */
export function measuringCost(counts: MeasuringCounts, wallMs: number): MeasuringCost {
  const costMs = (counts.spans * counts.spanNs) / 1e6 + counts.fences * (counts.idleFenceMs ?? 0);
  return { ...counts, fraction: wallMs > 0 ? Math.min(1, costMs / wallMs) : 0 };
}
