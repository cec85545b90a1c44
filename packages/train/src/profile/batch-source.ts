import { BatchPass, type NextBatch } from "../batch-pass.js";
import type { StepWatch } from "../step-watch.js";

/** Takes batches from any iterable, over as many passes as asked for. */
export class BatchSource<B> {
  /** Batches taken so far. */
  batches = 0;
  /** How often the iterable was begun. */
  passes = 0;
  readonly #iterable: AsyncIterable<B> | Iterable<B>;
  #pass: BatchPass<B> | undefined;

  constructor(iterable: AsyncIterable<B> | Iterable<B>) {
    this.#iterable = iterable;
  }

  /** The next batch; `undefined` if the iterable ended and a second beginning gives nothing. */
  async next(watch: StepWatch, step: number): Promise<NextBatch<B> | undefined> {
    for (;;) {
      const isFresh = this.#pass === undefined;
      if (this.#pass === undefined) {
        this.#pass = new BatchPass(this.#iterable);
        this.passes++;
      }
      const next = await this.#pass.next(watch, step);
      if (next !== undefined) {
        this.batches++;
        return next;
      }
      this.#pass = undefined;
      if (!isFresh) continue;
      this.passes--;
      return undefined;
    }
  }

  /** Tells the iterator that no more is wanted. */
  async close(): Promise<void> {
    await this.#pass?.close();
  }
}
