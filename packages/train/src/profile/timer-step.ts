import { OptionError } from "@millrace/formats";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock, type Clock } from "../clock.js";

/** The step of a device that takes its time without the processor; see {@link timerStep}. */
export interface TimerStep {
  /** One step: resolves when the device is done. */
  (batch?: unknown): Promise<void>;
  /** What a step is to take, in ms. */
  readonly ms: number;
  /** Steps done. */
  readonly count: number;
  /** What they really took in all, in ms. */
  readonly sumMs: number;
  /** What the newest steps really took, in ms, oldest first; at most 65,536 are kept. */
  tookMs(): number[];
}

/** How a {@link timerStep} keeps time. */
export interface TimerStepOptions {
  /** Default: that of the process. */
  readonly clock?: Clock | undefined;
  /** Resolves after `ms`, a whole number from 1. Default: Node's timer. */
  readonly sleep?: ((ms: number) => Promise<unknown>) | undefined;
}

const KEPT = 65_536;
/** A timer is no more than this off; what is more is a delay of the process, which a device does not make up for. */
const MOST_CARRIED_MS = 2;

/**
 * A device to measure an input against: each step takes `ms`, by a timer, so that no step takes CPU from the loader.
 * Timers of Node keep whole milliseconds and are up to one late: what a step took too long is taken off the next, so
 * that the mean is right. What the steps really took stands in its log.
 *
 * ```ts
 * const step = timerStep(53);
 * const report = await profile({ loader, step, fence: () => undefined });
 * ```
 * @throws {@link OptionError} if `ms` is not above 0.
 */
export function timerStep(ms: number, options: TimerStepOptions = {}): TimerStep {
  if (!(ms > 0 && ms <= 3_600_000)) {
    throw new OptionError({
      option: "ms",
      problem: "is no time of a step",
      expected: "milliseconds above 0, at most an hour",
      found: String(ms),
    });
  }
  const { clock = systemClock, sleep = delay } = options;
  const took = new Float64Array(KEPT);
  let count = 0;
  let sumMs = 0;
  let dueMs = 0;
  const step = async (): Promise<void> => {
    const start = clock.now();
    dueMs += ms;
    const wholeMs = Math.round(dueMs);
    if (wholeMs >= 1) await sleep(wholeMs);
    const tookMs = clock.now() - start;
    dueMs = Math.max(-MOST_CARRIED_MS, Math.min(MOST_CARRIED_MS, dueMs - tookMs));
    took[count++ % KEPT] = tookMs;
    sumMs += tookMs;
  };
  const tookMs = (): number[] => {
    const kept = Math.min(count, KEPT);
    return Array.from({ length: kept }, (_, index) => took[(count - kept + index) % KEPT] as number);
  };
  return Object.defineProperties(step, {
    ms: { value: ms },
    count: { get: () => count },
    sumMs: { get: () => sumMs },
    tookMs: { value: tookMs },
  }) as TimerStep;
}
