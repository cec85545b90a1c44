import { batchSizeOf } from "./batch-size.js";
import type { StallReport } from "./step-recorder.js";
import type { StepWatch } from "./step-watch.js";

/** A batch, and what it says about itself. */
export interface NextBatch<B> {
  readonly batch: B;
  /** How many samples it holds, where it says so: {@link batchSizeOf}. */
  readonly size: number | undefined;
  /** `batch.stall`, where it is one. */
  readonly stall: StallReport | undefined;
}

/** How long the end of an iterator may take, in ms; it has had its chance then. */
const CLOSE_MS = 5000;

/** One pass over an iterable of batches. Close it at the end, however it ends. */
export class BatchPass<B> {
  readonly #iterator: AsyncIterator<B> | Iterator<B>;
  #isWaiting = false;
  #isOver = false;

  constructor(iterable: AsyncIterable<B> | Iterable<B>) {
    this.#iterator = Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]();
  }

  /** The next batch; `undefined` at the end. Rejects as {@link StepWatch.wait} does. */
  async next(watch: StepWatch, step: number): Promise<NextBatch<B> | undefined> {
    this.#isWaiting = true;
    const result = await watch.wait(Promise.resolve(this.#iterator.next()), "batch", step);
    this.#isWaiting = false;
    if (result.done !== true) return describe(result.value);
    this.#isOver = true;
    return undefined;
  }

  /** Tells the iterator that no more is wanted. Does not wait for one that is stuck or has failed. */
  async close(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    const ended = Promise.resolve(this.#iterator.return?.()).catch(() => undefined);
    if (this.#isWaiting) return;
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS);
    });
    await Promise.race([ended, tooLong]);
    clearTimeout(timer);
  }
}

function describe<B>(batch: B): NextBatch<B> {
  const { stall } = (batch ?? {}) as { stall?: unknown };
  return {
    batch,
    size: batchSizeOf(batch),
    stall: isStallReport(stall) ? stall : undefined,
  };
}

function isStallReport(value: unknown): value is StallReport {
  return typeof (value as { stallMs?: unknown } | null | undefined)?.stallMs === "number";
}
