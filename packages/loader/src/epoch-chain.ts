import { EpochRun, type EpochRunOptions } from "./epoch-run.js";
import type { RankPlanOptions } from "./order/rank.js";
import type { Crew } from "./worker/crew.js";

/** What all epochs of a loader have in common. */
export type EpochChainOptions = Pick<EpochRunOptions, "ring" | "order" | "dropLast" | "onBadSample" | "onSkip">;

/**
 * Epochs one after the other on one ring. Slots that the last batches of an epoch leave free are filled with the first
 * of the next, whose loop may never come; nothing shows it but that they are there earlier.
 */
export class EpochChain {
  #ahead: EpochRun | undefined;

  constructor(readonly options: EpochChainOptions) {}

  /** An epoch, from the position of `rank` on, that begins on a ring whose slots are free. */
  begin(epoch: number, rank: RankPlanOptions, crew: Crew): EpochRun {
    return this.#create(epoch, rank, crew, undefined);
  }

  #create(epoch: number, rank: RankPlanOptions, crew: Crew, firstBatch: number | undefined): EpochRun {
    return new EpochRun({
      ...this.options,
      crew,
      epoch,
      rank,
      firstBatch,
      onCloseUp: async () => {
        const ahead = this.#ahead;
        this.#ahead = undefined;
        await ahead?.cancel();
      },
    });
  }

  /** The batch of `run` taken last is over: its slot goes to the next of `run`, or of the whole epoch `next` after it. */
  release(run: EpochRun, next: RankPlanOptions): void {
    if (run.isPublished) this.#ahead ??= this.#create(run.options.epoch + 1, next, run.options.crew, run.published);
    run.release(this.#ahead);
  }

  /** The whole epoch, if it was begun ahead by a crew that still works; whatever was begun ahead is forgotten. */
  take(epoch: number, crew: Crew | undefined): EpochRun | undefined {
    const run = this.#ahead;
    this.#ahead = undefined;
    return run?.options.epoch === epoch && run.options.crew === crew && !crew.isClosed ? run : undefined;
  }

  /** Forgets what was begun ahead, as the ring is being reset. */
  forget(): void {
    this.#ahead = undefined;
  }
}
