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
  readonly #before: Float64Array;
  readonly #snapshot = createSnapshot();

  constructor(readonly activities: readonly Activity[]) {
    this.#before = new Float64Array(2);
  }

  /** To be called when the consumer begins to wait. */
  begin(now: number): void {
    this.#before.set(this.#sum(now));
  }

  /** To be called when it has its batch: divides the time between. */
  end(now: number, stallMs: number): BatchStall {
    const [fetchMs, prepMs] = this.#sum(now);
    return divideStall(
      stallMs,
      Math.max(0, fetchMs - (this.#before[0] as number)),
      Math.max(0, prepMs - (this.#before[1] as number)),
    );
  }

  #sum(now: number): [fetchMs: number, prepMs: number] {
    let fetchMs = 0;
    let prepMs = 0;
    for (const activity of this.activities) {
      if (!activity.read(now, this.#snapshot)) continue;
      fetchMs += this.#snapshot.fetchMs;
      prepMs += this.#snapshot.prepMs;
    }
    return [fetchMs, prepMs];
  }
}
