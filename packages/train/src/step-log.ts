/**
 * Where the time of one step went. `stallMs + copyMs + computeMs + otherMs` is `wallMs`, exactly.
 * All in ms.
 */
export interface StepTimes {
  /** From asking for the batch to asking for the next one. */
  readonly wallMs: number;
  /** Blocked on the ring. */
  readonly stallMs: number;
  /** The part of the stall that storage caused; `undefined` where the source of batches cannot divide it. */
  readonly fetchStallMs: number | undefined;
  /** The part of the stall that decode and transform caused; `undefined` with `fetchStallMs`. */
  readonly prepStallMs: number | undefined;
  /** The host was busy uploading. */
  readonly copyMs: number;
  /** Waiting for the device or running its operations. */
  readonly computeMs: number;
  /** Everything else: the loop itself, callbacks, a busy event loop. */
  readonly otherMs: number;
  /** Copies in the background while something else owned the time. Not a part of `wallMs`: it cost nothing. */
  readonly overlappedCopyMs: number;
}

/** Numbers that are summed up: stall, fetch, prep, copy, compute, other, overlapped. */
const SUMMED = 7;
/** Numbers kept for a step: those, and when it ended. */
const COLUMNS = SUMMED + 1;
/** 65,536 steps are 4.2 MB. */
const DEFAULT_CAPACITY = 65_536;

/** The times of the last steps one by one, and the sums of all, in memory that stops growing. */
export class StepLog {
  /** Steps kept one by one, at most. */
  readonly capacity: number;
  #rows = new Float64Array(64 * COLUMNS);
  readonly #sums = new Float64Array(SUMMED);
  #count = 0;

  constructor(capacity: number = DEFAULT_CAPACITY) {
    this.capacity = capacity;
  }

  /** Steps written so far. */
  get count(): number {
    return this.#count;
  }

  /** The first step that is still kept. */
  get first(): number {
    return Math.max(0, this.#count - this.capacity);
  }

  /** Adds a step; NaN for a fetch and a prep stall that are unknown. All in ms; `endMs` is a time of the run's clock. */
  push(
    stallMs: number,
    fetchMs: number,
    prepMs: number,
    copyMs: number,
    computeMs: number,
    otherMs: number,
    overlappedMs: number,
    endMs: number = Number.NaN,
  ): void {
    const needed = Math.min(this.#count + 1, this.capacity) * COLUMNS;
    if (needed > this.#rows.length) {
      const grown = new Float64Array(Math.min(this.#rows.length * 2, this.capacity * COLUMNS));
      grown.set(this.#rows);
      this.#rows = grown;
    }
    const rows = this.#rows;
    const at = (this.#count % this.capacity) * COLUMNS;
    rows[at] = stallMs;
    rows[at + 1] = fetchMs;
    rows[at + 2] = prepMs;
    rows[at + 3] = copyMs;
    rows[at + 4] = computeMs;
    rows[at + 5] = otherMs;
    rows[at + 6] = overlappedMs;
    rows[at + SUMMED] = endMs;
    const sums = this.#sums;
    for (let column = 0; column < SUMMED; column++)
      sums[column] = (sums[column] as number) + (rows[at + column] as number);
    this.#count++;
  }

  /** The steps `[from, to)` that are still kept, oldest first. */
  steps(from: number = this.first, to: number = this.#count): StepTimes[] {
    const times: StepTimes[] = [];
    for (let step = Math.max(from, this.first); step < Math.min(to, this.#count); step++)
      times.push(stepTimes(this.#rows, (step % this.capacity) * COLUMNS));
    return times;
  }

  /** When a step ended, in ms of the run's clock; NaN if it is no longer kept or nobody said it. */
  endMs(step: number): number {
    if (step < this.first || step >= this.#count) return Number.NaN;
    return this.#rows[(step % this.capacity) * COLUMNS + SUMMED] as number;
  }

  /** The sums over all steps, those that are no longer kept included. */
  sums(): StepTimes {
    return stepTimes(this.#sums, 0);
  }
}

function stepTimes(row: Float64Array, at: number): StepTimes {
  const [stallMs, fetchMs, prepMs, copyMs, computeMs, otherMs, overlappedCopyMs] = row.subarray(
    at,
    at + SUMMED,
  ) as unknown as [number, number, number, number, number, number, number];
  const known = !Number.isNaN(fetchMs);
  return {
    wallMs: stallMs + copyMs + computeMs + otherMs,
    stallMs,
    fetchStallMs: known ? fetchMs : undefined,
    prepStallMs: known ? prepMs : undefined,
    copyMs,
    computeMs,
    otherMs,
    overlappedCopyMs,
  };
}
