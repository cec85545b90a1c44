import { createSnapshot, type Activity } from "./ring/activity.js";
import type { BatchStall } from "./batch.js";

/** No stall: the batch was there. */
export const NO_STALL: BatchStall = { stallMs: 0, fetchStallMs: 0, prepStallMs: 0 };

/**
 * Divides a stall by what the workers did: in the proportion of the time that they, all together, spent fetching and
 * preparing. Starting is published as preparation; a stall beside which they published neither counts as preparation too.
 */
export function divideStall(stallMs: number, fetchMs: number, prepMs: number): BatchStall {
  const work = fetchMs + prepMs;
  // A quotient that was rounded up must not make the rest negative.
  const fetchStallMs = work > 0 ? Math.min(stallMs, (stallMs * fetchMs) / work) : 0;
  return { stallMs, fetchStallMs, prepStallMs: stallMs - fetchStallMs };
}

/**
 * Divides stalls by what all workers did while the awaited batch was made.
 *
 * ```
 *   consumer   step k ────▶ stall ──────────▶ step k+1 ──▶ stall ───────▶
 *   worker     fetch prep fetch prep fetch prep fetch prep fetch prep …
 *                                             ├── of batch k+2 ─────────┤
 * ```
 *
 * The last thing that is done to a batch always is preparation, and a worker may fetch many samples before it prepares
 * them: what happens to be done during a short stall says little of what the batch took. So where the batch before was
 * waited for, too, the time since its delivery counts. Otherwise nobody knows when the work on this one began, and the
 * stall itself is what counts.
 */
export class StallMeter {
  readonly #snapshot = createSnapshot();
  #fetchMs = 0;
  #prepMs = 0;
  /** The batch that was waited for last; NaN: none. */
  #lastBatch = Number.NaN;

  constructor(readonly activities: readonly Activity[]) {}

  /** To be called when the batches that come do not follow those before. */
  forget(): void {
    this.#lastBatch = Number.NaN;
  }

  /** To be called when the consumer begins to wait for a batch, which has its number. */
  begin(batch: number, now: number): void {
    if (batch !== this.#lastBatch + 1) this.#sum(now);
    this.#lastBatch = batch;
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
