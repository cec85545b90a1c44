import type { WorkerError } from "@millrace/formats";

/** Deaths of workers with no batch between them, beside one for each worker, after which it is no use to go on. */
const MOST_IN_A_ROW = 8;

/**
 * Account of the workers that died. The work of a dead worker is done once more; a sample at which a worker dies for the
 * second time is quarantined, which makes it a bad sample.
 */
export class Deaths {
  readonly #errors = new Map<number, WorkerError>();
  readonly #quarantined = new Map<number, WorkerError>();
  #inARow = 0;
  #unplaced = 0;

  constructor(readonly numWorkers: number) {}

  /**
   * A worker died, at `sample` or at none in particular (-1). True if it is worth going on: not after the second death
   * that is due to no sample, nor after many in a row.
   */
  add(sample: number, error: WorkerError): boolean {
    this.#inARow++;
    if (sample < 0) return ++this.#unplaced < 2;
    if (this.#errors.has(sample)) this.#quarantined.set(sample, error);
    else this.#errors.set(sample, error);
    return this.#inARow < MOST_IN_A_ROW + this.numWorkers;
  }

  /** A batch was made. */
  progress(): void {
    this.#inARow = 0;
    this.#unplaced = 0;
  }

  /** Why a sample is quarantined, or `undefined` if it is not. */
  quarantined(sample: number): WorkerError | undefined {
    return this.#quarantined.get(sample);
  }
}
