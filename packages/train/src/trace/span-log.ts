import { OptionError } from "@millrace/formats";

/**
 * What a span of a {@link SpanLog} is, and what its two values mean.
 *
 * - `step`: one step of the loop; its number, 0.
 * - `stall`, `copy`, `compute`, `other`: who owned the time, as {@link StepRecorder} divides it; 0, 0.
 * - `backgroundCopy`: a copy that the host did not wait for; 0, 0.
 * - `batch`: from the request for a batch to its delivery; when it was ready in ms, its number in the epoch.
 * - `workers`: the time between two looks at the workers; how many of them were fetching, and preparing, on average.
 * - `gc`: a garbage collection of the loop's thread; V8's number of its kind, 0.
 * - `workerDeath`: a worker died, at the start; its number, the number of the sample at work.
 */
export const TRACE_KINDS = [
  "step",
  "stall",
  "copy",
  "compute",
  "other",
  "backgroundCopy",
  "batch",
  "workers",
  "gc",
  "workerDeath",
] as const;
/** What a span of a {@link SpanLog} is; see {@link TRACE_KINDS}. */
export type TraceKind = (typeof TRACE_KINDS)[number];

/** A span as {@link SpanLog.spans} gives it. Times are ms of the clock of the run. */
export interface TraceSpan {
  readonly kind: TraceKind;
  readonly startMs: number;
  readonly endMs: number;
  /** What they mean depends on the kind: {@link TRACE_KINDS}. */
  readonly values: readonly [first: number, second: number];
}

const CODES: Readonly<Record<TraceKind, number>> = Object.fromEntries(
  TRACE_KINDS.map((kind, code) => [kind, code]),
) as Record<TraceKind, number>;

/** 65,536 spans are 2.2 MB: about 8,000 steps. */
const DEFAULT_CAPACITY = 65_536;

/**
 * The newest spans of a run, in typed arrays of a fixed size. Recording one allocates nothing. Give one to
 * {@link profile} or {@link train}, which empty it first, and write it with {@link reportToTrace}.
 */
export class SpanLog {
  /** Spans kept, at most. */
  readonly capacity: number;
  readonly #kinds: Uint8Array;
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #firsts: Float64Array;
  readonly #seconds: Float64Array;
  #count = 0;
  /** Where the newest span lies. */
  #at = 0;

  /**
   * @param capacity - Spans kept, the newest; each takes 33 bytes.
   * @throws {@link OptionError} if it is no whole number from 1.
   */
  constructor(capacity: number = DEFAULT_CAPACITY) {
    if (!Number.isSafeInteger(capacity) || capacity < 1) {
      throw new OptionError({
        option: "capacity",
        problem: "is impossible",
        expected: "a whole number from 1",
        found: String(capacity),
      });
    }
    this.capacity = capacity;
    this.#kinds = new Uint8Array(capacity);
    this.#starts = new Float64Array(capacity);
    this.#ends = new Float64Array(capacity);
    this.#firsts = new Float64Array(capacity);
    this.#seconds = new Float64Array(capacity);
  }

  /** Spans recorded so far, those that are no longer kept included. */
  get count(): number {
    return this.#count;
  }

  /** Writes a span, over the oldest one if there is no room. */
  record(kind: TraceKind, startMs: number, endMs: number, first: number = 0, second: number = 0): void {
    const at = this.#count++ % this.capacity;
    this.#at = at;
    this.#kinds[at] = CODES[kind];
    this.#starts[at] = startMs;
    this.#ends[at] = endMs;
    this.#firsts[at] = first;
    this.#seconds[at] = second;
  }

  /** Lengthens the newest span if it is of this kind and ends where this one starts; else writes one of its own. */
  extend(kind: TraceKind, startMs: number, endMs: number): void {
    const at = this.#at;
    if (this.#count > 0 && this.#kinds[at] === CODES[kind] && this.#ends[at] === startMs) this.#ends[at] = endMs;
    else this.record(kind, startMs, endMs);
  }

  /** What is kept, in the order of recording: by the end of the spans, but for some that are heard of late. */
  spans(): TraceSpan[] {
    const kept = Math.min(this.#count, this.capacity);
    return Array.from({ length: kept }, (_, index) => {
      const at = (this.#count - kept + index) % this.capacity;
      return {
        kind: TRACE_KINDS[this.#kinds[at] as number] as TraceKind,
        startMs: this.#starts[at] as number,
        endMs: this.#ends[at] as number,
        values: [this.#firsts[at] as number, this.#seconds[at] as number],
      };
    });
  }

  /** Forgets all spans, to be used for another run. */
  clear(): void {
    this.#count = 0;
  }
}
