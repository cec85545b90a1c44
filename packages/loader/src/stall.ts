import { createSnapshot, type Activity } from "./ring/activity.js";
import type { BatchStall } from "./batch.js";

/** No stall: the batch was there. */
export const NO_STALL: BatchStall = { stallMs: 0, fetchStallMs: 0, prepStallMs: 0 };

/**
 * Divides a stall by what the workers did meanwhile: in the proportion of the time that they, all together, spent
 * fetching and preparing. Starting is published as preparation; a stall in which
 * they published neither counts as preparation too.
 */
export function divideStall(stallMs: number, fetchMs: number, prepMs: number): BatchStall {
  const work = fetchMs + prepMs;
  // A quotient that was rounded up must not make the rest negative.
  const fetchStallMs = work > 0 ? Math.min(stallMs, (stallMs * fetchMs) / work) : 0;
  return { stallMs, fetchStallMs, prepStallMs: stallMs - fetchStallMs };
}

/** Sums what all workers did between two moments. */
export class StallMeter {
  readonly #snapshot = createSnapshot();
  #fetchMs = 0;
  #prepMs = 0;

  constructor(readonly activities: readonly Activity[]) {}

  /** To be called when the consumer begins to wait. */
  begin(now: number): void {
    this.#sum(now);
  }

  /** To be called when it has its batch: divides the time between. */
  end(now: number, stallMs: number): BatchStall {
    const fetchBefore = this.#fetchMs;
    const prepBefore = this.#prepMs;
    this.#sum(now);
    return divideStall(stallMs, Math.max(0, this.#fetchMs - fetchBefore), Math.max(0, this.#prepMs - prepBefore));
  }

  #sum(now: number): void {
    let fetchMs = 0;
    let prepMs = 0;
    for (const activity of this.activities) {
      if (!activity.read(now, this.#snapshot)) continue;
      fetchMs += this.#snapshot.fetchMs;
      prepMs += this.#snapshot.prepMs;
    }
    this.#fetchMs = fetchMs;
    this.#prepMs = prepMs;
  }
}
