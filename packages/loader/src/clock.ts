import { performance } from "node:perf_hooks";

/** Tells the time. Injected, so that tests can run it themselves. */
export interface Clock {
  /**
   * Milliseconds, with fractions, since some fixed moment; never goes back. Every thread of the machine must read the
   * same time at the same moment, because stalls are divided by what the workers did meanwhile.
   */
  now(): number;
}

const systemClocks = new WeakSet<Clock>();

/** True if the clock is the machine's own, and not one that a caller runs. */
export function isSystemClock(clock: Clock): boolean {
  return systemClocks.has(clock);
}

/**
 * The machine's monotonic clock, the one behind `process.hrtime`, the same in all threads. `performance.now()` counts
 * from the start of each thread; the difference is measured once, after which a reading costs no memory.
 */
export function createSystemClock(): Clock {
  let offset = -Infinity;
  // hrtime is read first, so each difference is too small by the time between the two readings; the largest is closest.
  for (let i = 0; i < 10; i++) {
    const [seconds, nanoseconds] = process.hrtime();
    offset = Math.max(offset, seconds * 1e3 + nanoseconds / 1e6 - performance.now());
  }
  const clock: Clock = { now: () => performance.now() + offset };
  systemClocks.add(clock);
  return clock;
}
