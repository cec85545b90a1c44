import type { Clock } from "../clock.js";
import { sleep } from "../ring/wait.js";

/** Shorter sleeps than this are put off, as a sleep of a few microseconds takes sixty. */
const LEAST_SLEEP_MS = 0.5;

/**
 * Spends time on purpose. It keeps account: what a wait took too long is taken off the next, so the sum is right even
 * where single waits are shorter than the system can keep.
 */
export class Injector {
  #sleepDue = 0;
  #spinDue = 0;

  constructor(readonly clock: Clock) {}

  /** Sleeps, `ms` on average. */
  sleep(ms: number): void {
    this.#sleepDue += ms;
    if (this.#sleepDue < LEAST_SLEEP_MS) return;
    const start = this.clock.now();
    sleep(this.#sleepDue);
    this.#sleepDue -= this.clock.now() - start;
  }

  /** Keeps this core busy, for `ms` on average. */
  spin(ms: number): void {
    this.#spinDue += ms;
    const start = this.clock.now();
    let now = start;
    while (now - start < this.#spinDue) now = this.clock.now();
    this.#spinDue -= now - start;
  }
}
