import type { Clock } from "@millrace/train";

/** A clock that moves only when it is told to. */
export class HandClock implements Clock {
  #nowMs: number;

  constructor(startMs = 1000) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  /** Lets `ms` pass; less than 0 turns it back. */
  pass(ms: number): void {
    this.#nowMs += ms;
  }
}
