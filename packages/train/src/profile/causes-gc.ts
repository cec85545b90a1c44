import { PerformanceObserver, type PerformanceEntry } from "node:perf_hooks";
import type { SpanLog } from "../trace/span-log.js";

/** Garbage collections of the thread that runs the loop. */
export interface GcReport {
  readonly count: number;
  readonly sumMs: number;
  readonly maxMs: number;
}

/** When a garbage collection held the thread up, in ms of `performance.now()`. */
export interface GcPause {
  readonly startMs: number;
  readonly endMs: number;
}

/** Shorter pauses make no straggler; they are counted, but not kept one by one. */
const LONG_MS = 0.25;
/** Pauses kept one by one, the newest. */
const KEPT = 4096;

/**
 * Listens to the garbage collections of its thread. Node tells of them a turn of the event loop late, so let one pass
 * before {@link GcMeter.stop}.
 */
export class GcMeter {
  readonly #observer: PerformanceObserver;
  readonly #spans: SpanLog | undefined;
  readonly #sinceMs: number = performance.now();
  readonly #starts = new Float64Array(KEPT);
  readonly #ends = new Float64Array(KEPT);
  #long = 0;
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;

  constructor(spans?: SpanLog) {
    this.#spans = spans;
    this.#observer = new PerformanceObserver((list) => list.getEntries().forEach(this.#onPause));
    this.#observer.observe({ entryTypes: ["gc"] });
  }

  get report(): GcReport {
    return { count: this.#count, sumMs: this.#sumMs, maxMs: this.#maxMs };
  }

  /** Takes what has been told but not delivered, and listens no more. */
  stop(): void {
    this.#observer.takeRecords().forEach(this.#onPause);
    this.#observer.disconnect();
  }

  /** The newest pauses that could make a step slow, oldest first. */
  pauses(): GcPause[] {
    const kept = Math.min(this.#long, KEPT);
    return Array.from({ length: kept }, (_, index) => {
      const at = (this.#long - kept + index) % KEPT;
      return { startMs: this.#starts[at] as number, endMs: this.#ends[at] as number };
    });
  }

  readonly #onPause = (entry: PerformanceEntry): void => {
    const { startTime: startMs, duration: pauseMs } = entry;
    if (startMs < this.#sinceMs) return;
    this.#count++;
    this.#sumMs += pauseMs;
    this.#maxMs = Math.max(this.#maxMs, pauseMs);
    if (this.#spans !== undefined) {
      const { detail } = entry as { readonly detail?: { readonly kind?: number } };
      this.#spans.record("gc", startMs, startMs + pauseMs, detail?.kind ?? 0);
    }
    if (pauseMs < LONG_MS) return;
    const at = this.#long++ % KEPT;
    this.#starts[at] = startMs;
    this.#ends[at] = startMs + pauseMs;
  };
}
