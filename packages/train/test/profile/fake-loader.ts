import type { LoaderFacts, LoaderStats, LoaderVariant } from "@millrace/loader";
import type { HandClock } from "../hand-clock.js";

/** What a sample costs a worker of a {@link FakeLoader}, and how many share the work. */
export interface FakeCosts {
  readonly numWorkers: number;
  /** Reading a sample from storage, ms. */
  readonly coldMs: number;
  /** Reading a sample that the page cache holds, ms. */
  readonly warmMs: number;
  /** Reading a sample from memory where storage is not slowed down on purpose, ms; default `warmMs`. */
  readonly memoryMs?: number;
  readonly prepMs: number;
  /** What storage gives to all workers together. */
  readonly samplesPerSec?: number;
  readonly coldReads?: "direct" | "buffered";
  /** True if the run reads cold data. */
  readonly isRunCold?: boolean;
  /** Factors on the time of one batch after the other, again and again. */
  readonly pattern?: readonly number[];
  /** By how much of its time everything gets slower in a second. */
  readonly drift?: number;
  /** What storage gives for a byte that is asked for; default 1. */
  readonly diskFactor?: number;
  /** Thrown when a variant is asked for. */
  readonly failure?: Error;
  /** Batches of an epoch; without it there is no end. */
  readonly length?: number;
}

interface FakeBatch {
  readonly size: number;
  readonly stall: { readonly stallMs: number; readonly fetchStallMs: number; readonly prepStallMs: number };
  readonly copy: () => FakeBatch;
}

const BATCH_SIZE = 10;

/** For `phases`: the process does not work for a {@link FakeLoader}, so what it took says nothing. */
export const UNMEASURED = { cpuMs: (): number => 0, diskReadBytes: (): undefined => undefined } as const;

/** A loader whose workers take time on a clock that is moved by hand, beside the step that moves it. */
export class FakeLoader implements AsyncIterable<FakeBatch> {
  /** Bytes that came from storage, and not from the page cache, for all fake loaders. */
  static diskBytes = 0;
  /** Changes with which it was opened again, and how often each was closed. */
  readonly opened: LoaderVariant[] = [];
  closed = 0;
  #samples = 0;
  #stages = { fetchMs: 0, prepMs: 0, idleMs: 0 };

  constructor(
    readonly clock: HandClock,
    readonly costs: FakeCosts,
    readonly change: LoaderVariant = {},
  ) {}

  get numWorkers(): number {
    return this.change.numWorkers ?? this.costs.numWorkers;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<FakeBatch> {
    const { length = Infinity, pattern = [1], drift = 0 } = this.costs;
    let deliveredAt = this.clock.now();
    for (let n = 0; n < length; n++) {
      const factor = (pattern[n % pattern.length] ?? 1) * (1 + (drift * this.clock.now()) / 1000);
      const { fetchMs, prepMs, batchMs } = this.#times();
      const besideMs = this.numWorkers === 0 ? 0 : this.clock.now() - deliveredAt;
      const stallMs = Math.max(0, batchMs * factor - besideMs);
      this.clock.pass(stallMs);
      deliveredAt = this.clock.now();
      this.#samples += BATCH_SIZE;
      const bytes = BATCH_SIZE * this.facts().storedBytesPerSample * (this.costs.diskFactor ?? 1);
      if (this.#readsCold()) FakeLoader.diskBytes += bytes;
      this.#stages.fetchMs += fetchMs * BATCH_SIZE;
      this.#stages.prepMs += prepMs * BATCH_SIZE;
      const fetchStallMs = (stallMs * fetchMs) / (fetchMs + prepMs);
      const stall = { stallMs, fetchStallMs, prepStallMs: stallMs - fetchStallMs };
      const batch: FakeBatch = { size: BATCH_SIZE, stall, copy: () => batch };
      yield await Promise.resolve(batch);
    }
  }

  /** What a run has read cold, the page cache has afterwards. */
  #readsCold(): boolean {
    const { storage } = this.change;
    return storage === "cold" || (storage === undefined && this.costs.isRunCold === true);
  }

  /** What a worker needs for a sample, and all of them for a batch. */
  #times(): { readonly fetchMs: number; readonly prepMs: number; readonly batchMs: number } {
    const { coldMs, warmMs, memoryMs = warmMs, samplesPerSec = Infinity } = this.costs;
    const { storage, stages = "all" } = this.change;
    const readMs = this.#readsCold() ? coldMs : storage === "memory" ? memoryMs : warmMs;
    const prepMs = stages === "fetch" ? 0 : this.costs.prepMs;
    const limitMs = storage === "memory" ? 0 : 1000 / samplesPerSec;
    const workers = Math.max(1, this.numWorkers);
    const sampleMs = Math.max((readMs + prepMs) / workers, limitMs);
    return { fetchMs: Math.max(readMs, limitMs * workers - prepMs), prepMs, batchMs: sampleMs * BATCH_SIZE };
  }

  variant(change: LoaderVariant): Promise<FakeLoader> {
    this.opened.push(change);
    if (this.costs.failure !== undefined) return Promise.reject(this.costs.failure);
    const variant = new FakeLoader(this.clock, this.costs, { ...this.change, ...change });
    variant.close = () => {
      this.closed++;
      return Promise.resolve();
    };
    return Promise.resolve(variant);
  }

  facts(): LoaderFacts {
    const { coldReads = "direct" } = this.costs;
    return {
      batchSize: BATCH_SIZE,
      numWorkers: this.numWorkers,
      prefetchDepth: this.change.prefetchDepth ?? 4,
      cpus: 4,
      batchBytes: 1000,
      ringBytes: 5000,
      storedBytesPerSample: 100,
      datasetBytes: 100_000,
      canReadAhead: true,
      storedAs: "jpeg",
      coldReads,
      coldReadsReason: coldReads === "direct" ? "" : "tmpfs has no O_DIRECT",
    };
  }

  stats(): Pick<LoaderStats, "readBytes" | "samples" | "stages" | "workerCpuMs"> {
    const readBytes = this.#samples * this.facts().storedBytesPerSample;
    return { samples: this.#samples, readBytes, stages: { ...this.#stages }, workerCpuMs: undefined };
  }

  close(): Promise<void> {
    this.closed++;
    return Promise.resolve();
  }
}
