import { OptionError } from "@millrace/formats";
import { planRank, type RankPlanOptions } from "./order/rank.js";
import type { ResolvedOptions } from "./options.js";

/** Where a rank stands in its epochs. */
export interface Standing {
  readonly epoch: number;
  /** Position in the epoch up to which all ranks together have come, in samples. */
  readonly position: number;
  /** Bad samples among those that this rank has visited in the epoch. */
  readonly skipped: number;
}

/** @throws {@link OptionError} if that is no number of an epoch. */
export function checkEpoch(epoch: number): void {
  if (Number.isInteger(epoch) && epoch >= 0 && epoch < 2 ** 32) return;
  const expected = "an integer from 0 to 4294967295";
  throw new OptionError({ option: "epoch", problem: "is impossible", expected, found: String(epoch) });
}

/** The epochs of one rank, cut into batches. */
export class RankEpochs {
  /** @param length - Positions of an epoch of all ranks. */
  constructor(
    readonly length: number,
    readonly options: Pick<ResolvedOptions, "rank" | "worldSize" | "dropLast" | "batchSize">,
  ) {}

  /** This rank's part of a whole epoch. */
  get whole(): RankPlanOptions {
    return this.planFrom(0, 0);
  }

  /** This rank's part of what is left of an epoch. */
  planFrom(position: number, skipped: number): RankPlanOptions {
    const { rank, worldSize, dropLast } = this.options;
    return { length: this.length, start: position, skipped, rank, worldSize, dropLast };
  }

  /** Batches of what is left of an epoch. */
  batchesFrom(position: number, skipped: number): number {
    const { batchSize, dropLast } = this.options;
    const batches = planRank(this.planFrom(position, skipped)).samples / batchSize;
    return dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  /** Number of the batch that comes next in its epoch. */
  stepAt({ position, skipped }: Standing): number {
    const { worldSize, batchSize } = this.options;
    return Math.floor((position / worldSize - skipped) / batchSize);
  }

  /** The same place, but that the end of an epoch is the beginning of the next. */
  normalize(standing: Standing): Standing {
    const { epoch, position, skipped } = standing;
    return this.batchesFrom(position, skipped) > 0 ? standing : { epoch: epoch + 1, position: 0, skipped: 0 };
  }
}
