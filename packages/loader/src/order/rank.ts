/** This process's part of all processes that train together. */
export interface Rank {
  /** From 0 to `worldSize - 1`. */
  readonly rank: number;
  readonly worldSize: number;
}

/** Which positions of an epoch a rank visits, from where the epoch stands. */
export interface RankPlan {
  /**
   * Samples that the rank delivers until the epoch ends, if none is bad. With `dropLast` every rank has the same
   * number and a few positions are left out; without it the ranks that run short begin the epoch's order again.
   */
  readonly samples: number;
  /** Positions of its stride that it may visit: {@link RankPlan.samples} and, where ranks are padded, spare ones for bad samples. */
  readonly positions: number;
}

/** What {@link planRank} needs to know. */
export interface RankPlanOptions extends Rank {
  /** Samples of the split. */
  readonly length: number;
  /** Position in the epoch up to which all ranks together have come. */
  readonly start: number;
  /** Bad samples among those that this rank has visited in this epoch, to be made up for where ranks are padded. */
  readonly skipped: number;
  readonly dropLast: boolean;
}

/**
 * The part of an epoch that is left for a rank. Ranks take positions in turn (rank `r` takes `start + r`,
 * `start + r + worldSize`, …), so the part that is left after any number of steps can be divided anew among any
 * number of ranks.
 */
export function planRank(options: RankPlanOptions): RankPlan {
  const { length, start, skipped, worldSize, dropLast } = options;
  const left = (length - start) / worldSize;
  if (worldSize === 1 || dropLast) {
    const samples = Math.max(0, Math.floor(left));
    return { samples, positions: samples };
  }
  const samples = Math.max(0, Math.ceil(left) + skipped);
  return { samples, positions: samples + length };
}

/** Position in the epoch of the rank's `index`-th sample; positions past the end begin the order again. */
export function rankPosition(options: RankPlanOptions, index: number): number {
  return (options.start + options.rank + index * options.worldSize) % options.length;
}
