import { monitorEventLoopDelay, type IntervalHistogram } from "node:perf_hooks";

/**
 * How late the event loop ran a timer: what kept it busy meanwhile. Quantiles are over the timer's runs, so a long
 * block counts once. A step that computes on the thread of the loop, as those of the backends do, is such a block.
 */
export interface EventLoopReport {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Period of the timer in ms. A block shorter than this may fall between two of its runs. */
const RESOLUTION_MS = 5;

/** Measures the lag of the event loop, from its making until it is stopped. */
export class EventLoopMeter {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#histogram.enable();
  }

  get report(): EventLoopReport {
    const histogram = this.#histogram;
    return {
      p50Ms: lagMs(histogram.percentile(50)),
      p99Ms: lagMs(histogram.percentile(99)),
      maxMs: lagMs(histogram.max),
    };
  }

  stop(): void {
    this.#histogram.disable();
  }
}

/** Node records the nanoseconds between two runs of the timer: its period is no lag. */
function lagMs(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
}
