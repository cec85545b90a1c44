import type { BatchSpan, WorkerDeath } from "@millrace/loader";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Clock } from "../clock.js";
import { readLoaderCounters, workersBetween, type LoaderCounters } from "../profile/causes-workers.js";
import type { SpanLog } from "./span-log.js";

const BATCHES = "millrace:loader:batch";
const DEATHS = "millrace:loader:worker";
/** The workers are looked at no more often than this. */
const LOOK_MS = 5;

/**
 * Writes what millrace's loaders publish on `node:diagnostics_channel` into a {@link SpanLog}, until it is disposed of:
 * batches, deaths of workers, and with each batch what the workers did since the last look. The channels are those of
 * the process: a second loader that runs meanwhile is in it, too.
 */
export class LoaderSpans implements Disposable {
  #counters: LoaderCounters | undefined;
  #lookedAt: number;

  /**
   * @param loader - Whose workers are looked at, if it has `stats()`.
   * @param clock - That of the other spans. A batch was delivered when its message comes; its other times, which are of
   * the loader's clock, are moved accordingly.
   */
  constructor(
    readonly loader: unknown,
    readonly clock: Clock,
    readonly spans: SpanLog,
  ) {
    this.#counters = readLoaderCounters(loader);
    this.#lookedAt = clock.now();
    subscribe(BATCHES, this.#onBatch);
    subscribe(DEATHS, this.#onDeath);
  }

  [Symbol.dispose](): void {
    unsubscribe(BATCHES, this.#onBatch);
    unsubscribe(DEATHS, this.#onDeath);
  }

  readonly #onBatch = (message: unknown): void => {
    const { startMs, endMs, readyMs, step } = message as BatchSpan;
    const now = this.clock.now();
    const shiftMs = now - endMs;
    this.spans.record("batch", startMs + shiftMs, now, readyMs + shiftMs, step);
    if (now - this.#lookedAt >= LOOK_MS) this.#look(now);
  };

  readonly #onDeath = (message: unknown): void => {
    const { worker, sample } = message as WorkerDeath;
    const now = this.clock.now();
    this.spans.record("workerDeath", now, now, worker, sample);
  };

  #look(now: number): void {
    const before = this.#counters;
    if (before === undefined) return;
    const after = readLoaderCounters(this.loader);
    const workers = after && workersBetween(before, after);
    if (workers !== undefined) {
      const { numWorkers } = before;
      this.spans.record(
        "workers",
        this.#lookedAt,
        now,
        workers.fetchFraction * numWorkers,
        workers.prepFraction * numWorkers,
      );
    }
    this.#counters = after;
    this.#lookedAt = now;
  }
}
