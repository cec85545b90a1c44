import { cpuBudget, type DecoderName } from "@millrace/image";
import { createSnapshot, type Activity } from "./ring/activity.js";
import { createEffort, type Effort } from "./ring/effort.js";
import type { BatchStall } from "./batch.js";
import { cpuMsOfThread, ThreadCpu } from "./thread-cpu.js";

/** What `inject` really cost, summed over all workers, in ms. */
export interface InjectedTime {
  /** Time that workers slept. */
  readonly fetchMs: number;
  /** Time that workers kept their cores busy, on the wall. */
  readonly prepMs: number;
  /** The CPU time of that; the same as `prepMs` where the system does not tell a thread's CPU time. */
  readonly prepCpuMs: number;
}

/** What a loader has done since it was opened. Times are milliseconds, fractions 0 to 1. */
export interface LoaderStats {
  readonly batches: number;
  readonly samples: number;
  /** Bytes of the batches, as they stand in memory. */
  readonly bytes: number;
  /** Samples that could not be made and were left out. */
  readonly skippedSamples: number;
  /** Time between the request for the first batch of an iteration and its end, over all iterations. */
  readonly wallMs: number;
  /** Samples per second of {@link LoaderStats.wallMs}, the consumer's own work included. */
  readonly samplesPerSec: number;
  /** Time that the consumer was blocked; the sum of the next two. */
  readonly stallMs: number;
  readonly fetchStallMs: number;
  readonly prepStallMs: number;
  /** Share of the time in which the next batch lay ready. */
  readonly occupancyFraction: number;
  /** What the workers did, summed over all of them. */
  readonly stages: { readonly fetchMs: number; readonly prepMs: number; readonly idleMs: number };
  /** Bytes that samples were read by. Values that only a format's library reads count by their size. */
  readonly readBytes: number;
  /**
   * CPU time of all workers' threads while they made samples, those that died included; `undefined` without workers, and
   * where the system does not tell it (it is Linux that does). Decoders that use other threads are not in it.
   */
  readonly workerCpuMs: number | undefined;
  /** What the option `inject` really cost. */
  readonly injected: InjectedTime;
  readonly numWorkers: number;
  /** Workers that died and were replaced. */
  readonly deadWorkers: number;
  /** CPU time of the whole process in {@link LoaderStats.wallMs}, as a share of what its CPUs could have given. */
  readonly cpuFraction: number;
  /** Who decodes images; `undefined` where none is encoded. */
  readonly decoder: DecoderName | undefined;
}

function processCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Sums up what the consumer sees. */
export class StatsRecorder {
  #batches = 0;
  #samples = 0;
  #bytes = 0;
  #skipped = 0;
  #wallMs = 0;
  #stallMs = 0;
  #fetchStallMs = 0;
  #prepStallMs = 0;
  #emptyMs = 0;
  /** Until when the wall clock is counted; `undefined` between iterations. */
  #until: number | undefined;
  /** Since when the ring is not known to hold the next batch. */
  #takenAt = 0;

  /** There are workers, and the system tells the CPU time of threads. */
  readonly #isCpuTold: boolean;
  #workerCpuMs = 0;
  #deaths = 0;
  #cpuMs = 0;
  /** CPU time of the process until which it is counted. */
  #cpuUntil = 0;

  constructor(
    readonly numWorkers: number,
    readonly sampleBytes: number,
    readonly decoder?: DecoderName | undefined,
  ) {
    this.#isCpuTold = numWorkers > 0 && ThreadCpu.isTold();
  }

  /** An iteration begins. */
  begin(now: number): void {
    this.#until = now;
    this.#cpuUntil = processCpuMs();
    this.#takenAt = now;
  }

  /** Time passes in an iteration. */
  #advance(now: number): void {
    if (this.#until !== undefined) this.#wallMs += Math.max(0, now - this.#until);
    this.#until = now;
  }

  /** The consumer has got a batch that became ready at `readyAt`. */
  batch(size: number, stall: BatchStall, readyAt: number, now: number): void {
    this.#advance(now);
    this.#batches++;
    this.#samples += size;
    this.#bytes += size * this.sampleBytes;
    this.#stallMs += stall.stallMs;
    this.#fetchStallMs += stall.fetchStallMs;
    this.#prepStallMs += stall.prepStallMs;
    this.#emptyMs += Math.max(0, Math.min(readyAt, now) - this.#takenAt);
    this.#takenAt = now;
  }

  /** Samples could not be made and were left out. */
  skip(count: number): void {
    this.#skipped += count;
  }

  /** A worker died. */
  death(): void {
    this.#deaths++;
  }

  #countCpu(): void {
    const now = processCpuMs();
    this.#cpuMs += now - this.#cpuUntil;
    this.#cpuUntil = now;
  }

  /** An iteration ends. */
  end(now: number): void {
    this.#advance(now);
    this.#countCpu();
    this.#until = undefined;
  }

  /** What the work of all workers took. */
  #sumEfforts(efforts: readonly Effort[]): Pick<LoaderStats, "readBytes" | "workerCpuMs" | "injected"> {
    const effort = createEffort();
    const injected = { fetchMs: 0, prepMs: 0, prepCpuMs: 0 };
    let readBytes = 0;
    let cpuMs = 0;
    for (const worker of efforts) {
      if (!worker.read(effort)) continue;
      readBytes += effort.readBytes;
      injected.fetchMs += effort.injectedFetchMs;
      injected.prepMs += effort.injectedPrepMs;
      injected.prepCpuMs += effort.injectedPrepCpuMs;
      const threadMs = effort.nativeThread === 0 ? undefined : cpuMsOfThread(effort.nativeThread);
      cpuMs += Math.max(effort.cpuMs, (threadMs ?? 0) - effort.cpuOffsetMs);
    }
    // What a thread took after it published it for the last time, and before it died, was seen here, but counts no more.
    this.#workerCpuMs = Math.max(this.#workerCpuMs, cpuMs);
    return { readBytes, injected, workerCpuMs: this.#isCpuTold ? this.#workerCpuMs : undefined };
  }

  /** All of it at one time. */
  read(now: number, activities: readonly Activity[], efforts: readonly Effort[]): LoaderStats {
    if (this.#until !== undefined) {
      this.#advance(now);
      this.#countCpu();
    }
    const stages = { fetchMs: 0, prepMs: 0, idleMs: 0 };
    const snapshot = createSnapshot();
    for (const activity of activities) {
      if (!activity.read(now, snapshot)) continue;
      stages.fetchMs += snapshot.fetchMs;
      stages.prepMs += snapshot.prepMs;
      stages.idleMs += snapshot.idleMs;
    }
    const wallMs = this.#wallMs;
    return {
      batches: this.#batches,
      samples: this.#samples,
      bytes: this.#bytes,
      skippedSamples: this.#skipped,
      wallMs,
      samplesPerSec: wallMs > 0 ? (this.#samples / wallMs) * 1000 : 0,
      stallMs: this.#stallMs,
      fetchStallMs: this.#fetchStallMs,
      prepStallMs: this.#prepStallMs,
      occupancyFraction: wallMs > 0 ? Math.max(0, 1 - this.#emptyMs / wallMs) : 0,
      stages,
      ...this.#sumEfforts(efforts),
      numWorkers: this.numWorkers,
      deadWorkers: this.#deaths,
      cpuFraction: wallMs > 0 ? this.#cpuMs / (wallMs * cpuBudget()) : 0,
      decoder: this.decoder,
    };
  }
}
