/**
 * In which order an epoch visits the samples: plain data, made by {@link shuffle} or {@link sequential}. It says
 * nothing about the data set, so the same order can be used with any.
 */
export type Order = SequentialOrder | ShuffleOrder;

/** Samples by their number; see {@link sequential}. */
export interface SequentialOrder {
  readonly kind: "sequential";
  /** Key of the transforms' randomness. */
  readonly seed: number;
}

/** A new permutation each epoch; see {@link shuffle}. */
export interface ShuffleOrder {
  readonly kind: "shuffle";
  /** Key of the permutations and of the transforms' randomness: an integer in `[0, 2^53)`. */
  readonly seed: number;
}

/** An {@link Order} over a known number of samples: a pure function that needs no memory a sample. */
export interface BoundOrder {
  /** Number of samples, at most 2^52. */
  readonly length: number;
  /**
   * The sample at a position of an epoch. For each epoch it is a permutation of `[0, length)`; O(1) at any position,
   * so ranks take a stride of it and a run resumes anywhere.
   * @param epoch - An integer in `[0, 2^32)`.
   * @param position - An integer in `[0, length)`.
   */
  at(epoch: number, position: number): number;
}
