import { ClosedError } from "@millrace/formats";
import type { Batch } from "./batch.js";
import type { EpochRun } from "./epoch-run.js";

/** Where a {@link BatchLoop} has its batches from. */
export interface LoopSource {
  /** Begins the run of the loop; ends that of every other loop. */
  begin(): Promise<EpochRun>;
  /** The next batch, if it lies ready and nothing else is due; `undefined` says no more than that it is to be waited for. */
  takeNow(run: EpochRun): Batch | undefined;
  /** The next batch; `undefined` at the end of the run. */
  next(run: EpochRun): Promise<Batch | undefined>;
  /** Ends the run, unless that was done by others. */
  end(run: EpochRun, isOver: boolean): Promise<void>;
}

const DONE = { done: true, value: undefined } as const;

/**
 * One loop over the batches of a run, which begins with the first request. It behaves like an async generator: requests
 * are served in turn, and it ends with its end, its first error or `return`. It is none because of what that costs: where
 * the next batch lies ready, nothing is awaited here.
 */
export class BatchLoop implements AsyncIterableIterator<Batch, undefined> {
  #run: EpochRun | undefined;
  #isDone = false;
  /** Requests that are not served yet. */
  #pending = 0;
  #tail: Promise<unknown> = Promise.resolve();
  readonly #onServed = (): void => {
    this.#pending--;
  };

  constructor(readonly source: LoopSource) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Batch, undefined>> {
    if (this.#pending === 0 && this.#run !== undefined && !this.#isDone) {
      const batch = this.source.takeNow(this.#run);
      if (batch !== undefined) return Promise.resolve({ done: false, value: batch });
    }
    return this.#inTurn(() => this.#next());
  }

  return(): Promise<IteratorResult<Batch, undefined>> {
    return this.#inTurn(() => this.#leave());
  }

  throw(reason: unknown): Promise<IteratorResult<Batch, undefined>> {
    return this.#inTurn(async () => {
      await this.#leave();
      throw reason;
    });
  }

  #inTurn<T>(serve: () => Promise<T>): Promise<T> {
    const served = this.#pending++ === 0 ? serve() : this.#tail.then(serve);
    this.#tail = served.then(this.#onServed, this.#onServed);
    return served;
  }

  async #next(): Promise<IteratorResult<Batch, undefined>> {
    if (this.#isDone) return DONE;
    let batch: Batch | undefined;
    try {
      this.#run ??= await this.source.begin();
      batch = await this.source.next(this.#run);
    } catch (error) {
      await this.#leave();
      throw error;
    }
    if (batch !== undefined) return { done: false, value: batch };
    this.#isDone = true;
    await this.source.end(this.#run, true);
    return DONE;
  }

  async #leave(): Promise<IteratorResult<Batch, undefined>> {
    const isEnded = this.#isDone;
    this.#isDone = true;
    if (!isEnded && this.#run !== undefined) await this.source.end(this.#run, false);
    return DONE;
  }
}

/** The error of a loop that another one has ended. */
export function anotherLoop(): ClosedError {
  return new ClosedError({ problem: "another loop over the loader has begun", fix: "use one at a time" });
}
