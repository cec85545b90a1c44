import type { Clock } from "../clock.js";
import { TokenBucket } from "../ring/token-bucket.js";
import { sleep } from "../ring/wait.js";
import type { PipelineSetup } from "./protocol.js";

/** Shorter sleeps than this are put off, as a sleep of a few microseconds takes sixty. */
const LEAST_SLEEP_MS = 0.5;
/** A long sleep looks this often whether it is still wanted. */
const LOOK_AROUND_MS = 50;
/** Less CPU time than this is put off, as telling it takes some microseconds. */
const LEAST_SPIN_MS = 0.02;

/** What {@link Injector} needs to know. */
export interface InjectorOptions {
  readonly setup: Pick<PipelineSetup, "inject" | "bucket">;
  readonly clock: Clock;
  /** Counts only the time that this thread has a CPU; `undefined`: all time that passes counts. */
  readonly threadClock: Clock | undefined;
  /** True if nobody wants what it waits for any more. */
  readonly isStopped: () => boolean;
}

/**
 * Spends time on purpose, and says how much. It keeps account: what a wait took too long is taken off the next, so the
 * sum is right even where single waits are shorter than the system can keep.
 */
export class Injector {
  /** What was spent so far, in ms. */
  readonly spent: { fetchMs: number; prepMs: number; prepCpuMs: number } = { fetchMs: 0, prepMs: 0, prepCpuMs: 0 };
  /** True if there is anything to spend. */
  readonly isOn: boolean;
  readonly #bucket: TokenBucket | undefined;
  #sleepDue = 0;
  #spinDue = 0;

  constructor(readonly options: InjectorOptions) {
    const { inject, bucket } = options.setup;
    const { fetchMs, prepMs, bytesPerSec } = inject;
    this.isOn = fetchMs > 0 || prepMs > 0 || bytesPerSec !== undefined;
    this.#bucket = bytesPerSec === undefined ? undefined : new TokenBucket(bucket, bytesPerSec);
  }

  /** Makes the reading of a sample, by so many bytes, take as long as it shall. */
  fetch(sample: number, bytes: number): void {
    const { fetchMs, cachedFraction } = this.options.setup.inject;
    if (isCached(sample, cachedFraction)) return;
    if (fetchMs > 0) this.#sleep(fetchMs);
    this.charge(bytes);
  }

  /** Waits until the storage would have given so many bytes. */
  charge(bytes: number): void {
    if (this.#bucket === undefined || bytes === 0) return;
    const { clock } = this.options;
    const start = clock.now();
    const waitMs = this.#bucket.take(bytes, start);
    // What is not waited for is part of the debt that the next to take finds.
    if (waitMs < LEAST_SLEEP_MS) return;
    this.#block(waitMs);
    this.spent.fetchMs += clock.now() - start;
  }

  /** Makes the preparation of a sample cost the CPU that it shall. */
  prepare(): void {
    const { prepMs } = this.options.setup.inject;
    if (prepMs > 0) this.#spin(prepMs);
  }

  #sleep(ms: number): void {
    this.#sleepDue += ms;
    if (this.#sleepDue < LEAST_SLEEP_MS) return;
    const { clock } = this.options;
    const start = clock.now();
    this.#block(this.#sleepDue);
    const tookMs = clock.now() - start;
    this.#sleepDue -= tookMs;
    this.spent.fetchMs += tookMs;
  }

  /** Blocks this thread for `ms`, in pieces. */
  #block(ms: number): void {
    for (let left = ms; left > 0 && !this.options.isStopped(); left -= LOOK_AROUND_MS)
      sleep(Math.min(left, LOOK_AROUND_MS));
  }

  /** Keeps this core busy until it has given the thread what is due; a neighbour on the core makes it longer. */
  #spin(ms: number): void {
    const { clock, threadClock = clock, isStopped } = this.options;
    this.#spinDue += ms;
    if (this.#spinDue < LEAST_SPIN_MS) return;
    const start = clock.now();
    const cpuStart = threadClock === clock ? start : threadClock.now();
    let now = start;
    let cpuMs = 0;
    do {
      const until = now + this.#spinDue - cpuMs;
      while (now < until) now = clock.now();
      cpuMs = (threadClock === clock ? now : threadClock.now()) - cpuStart;
    } while (this.#spinDue - cpuMs >= LEAST_SPIN_MS && !isStopped());
    this.#spinDue -= cpuMs;
    this.spent.prepMs += now - start;
    this.spent.prepCpuMs += cpuMs;
  }
}

/**
 * Whether a sample counts as cached: a hash of its number, by the golden ratio, so that the cached ones are spread evenly
 * over the numbers and their share is right (Knuth, The Art of Computer Programming 3, section 6.4).
 */
export function isCached(sample: number, fraction: number): boolean {
  return Math.imul(sample, 0x9e3779b1) >>> 0 < fraction * 2 ** 32;
}
