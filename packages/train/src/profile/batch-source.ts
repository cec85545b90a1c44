import type { StallReport } from "../step-recorder.js";
import type { StepWatch } from "../step-watch.js";

/** A batch, and what it says about itself. */
export interface NextBatch<B> {
  readonly batch: B;
  /** `batch.size`, where it is a number. */
  readonly size: number | undefined;
  /** `batch.stall`, where it is one. */
  readonly stall: StallReport | undefined;
}

/** How long the end of an iterator may take, in ms; it has had its chance then. */
const CLOSE_MS = 5000;

/** Takes batches from any iterable, over as many passes as asked for. */
export class BatchSource<B> {
  /** Batches taken so far. */
  batches = 0;
  /** How often the iterable was begun. */
  passes = 0;
  readonly #iterable: AsyncIterable<B> | Iterable<B>;
  #iterator: AsyncIterator<B> | Iterator<B> | undefined;
  #waiting = false;

  constructor(iterable: AsyncIterable<B> | Iterable<B>) {
    this.#iterable = iterable;
  }

  /** The next batch; `undefined` if the iterable ended and a second beginning gives nothing. */
  async next(watch: StepWatch, step: number): Promise<NextBatch<B> | undefined> {
    for (;;) {
      const fresh = this.#iterator === undefined;
      if (this.#iterator === undefined) {
        this.#iterator = begin(this.#iterable);
        this.passes++;
      }
      this.#waiting = true;
      const result = await watch.wait(Promise.resolve(this.#iterator.next()), "batch", step);
      this.#waiting = false;
      if (result.done !== true) {
        this.batches++;
        return describe(result.value);
      }
      this.#iterator = undefined;
      if (!fresh) continue;
      this.passes--;
      return undefined;
    }
  }

  /** Tells the iterator that no more is wanted. Does not wait for one that is stuck. */
  async close(): Promise<void> {
    const ended = Promise.resolve(this.#iterator?.return?.()).catch(() => undefined);
    if (this.#waiting) return;
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS);
    });
    await Promise.race([ended, tooLong]);
    clearTimeout(timer);
  }
}

function begin<B>(iterable: AsyncIterable<B> | Iterable<B>): AsyncIterator<B> | Iterator<B> {
  return Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]();
}

function describe<B>(batch: B): NextBatch<B> {
  const { size, stall } = (batch ?? {}) as { size?: unknown; stall?: unknown };
  return {
    batch,
    size: typeof size === "number" ? size : undefined,
    stall: isStallReport(stall) ? stall : undefined,
  };
}

function isStallReport(value: unknown): value is StallReport {
  return typeof (value as { stallMs?: unknown } | null | undefined)?.stallMs === "number";
}
