/** A batch with a copy of its own, as millrace's has. */
interface Copyable<B> {
  readonly copy: () => B;
}

function isCopyable<B>(batch: B): batch is B & Copyable<B> {
  return typeof (batch as Partial<Copyable<B>> | null | undefined)?.copy === "function";
}

/** One real batch of a run, kept to be given to the step again and again. */
export class HeldBatch<B> {
  #batch: B | undefined;
  #note = "";
  #problem = "no batch of the run was kept, as it had no warm-up and ended early";

  /** @param copyBatch - Makes a batch that the step may consume; `undefined` where the step leaves batches as they are. */
  constructor(readonly copyBatch: ((batch: B) => B) | undefined) {}

  /** Keeps a copy of the batch where there is a way to copy it, else the batch itself. Call it before its step. */
  hold(batch: B): void {
    try {
      if (this.copyBatch !== undefined) {
        this.#batch = this.copyBatch(batch);
        this.#note = "a batch of the run, copied for each step by copyBatch";
      } else if (isCopyable(batch)) {
        this.#batch = batch.copy();
        this.#note = "one copied batch of the run, again and again";
      } else {
        this.#batch = batch;
        this.#note = "one batch of the run itself, again and again: batches of this kind cannot be copied";
      }
      this.#problem = "";
    } catch (error) {
      this.#problem = `a batch cannot be copied: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  /** True if there is a batch. */
  get isHeld(): boolean {
    return this.#problem === "";
  }

  /** How the batch came about, or why there is none. */
  get note(): string {
    return this.isHeld ? this.#note : this.#problem;
  }

  /** The batch for one step, which may consume it if there is a `copyBatch`. */
  next(): B {
    const batch = this.#batch as B;
    return this.copyBatch === undefined ? batch : this.copyBatch(batch);
  }
}
