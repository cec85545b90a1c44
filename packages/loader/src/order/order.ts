/**
 * In which order an epoch visits the samples: plain data, made by the functions of the same names. It says nothing
 * about the data set, so the same order can be used with any.
 */
export type Order = SequentialOrder | ShuffleOrder | BlockShuffleOrder | WeightedOrder | FilterOrder;

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

/** A new permutation each epoch that reads each stretch of the data set once; see {@link blockShuffle}. */
export interface BlockShuffleOrder {
  readonly kind: "blockShuffle";
  /** Key of the permutations and of the transforms' randomness. */
  readonly seed: number;
  /** Samples of a block, which lie one after the other. */
  readonly blockSize: number;
  /** Blocks whose samples are mixed. */
  readonly windowBlocks: number;
}

/** Draws with replacement; see {@link weighted} and {@link classBalanced}. */
export interface WeightedOrder {
  readonly kind: "weighted";
  /** Key of the draws and of the transforms' randomness. */
  readonly seed: number;
  /**
   * One a sample. In a {@link LoaderState} their SHA-256 stands here instead, as hex digits, to know them again.
   * Either these or `classWeights`.
   */
  readonly weights?: readonly number[] | string | undefined;
  /** One a class: the weight of each of its samples; `balanced`: one over the number of its samples. */
  readonly classWeights?: readonly number[] | "balanced" | undefined;
  /** Draws of an epoch; `undefined`: as many as there are samples. */
  readonly draws?: number | undefined;
}

/** An order over the samples of some classes only; see {@link filter}. */
export interface FilterOrder {
  readonly kind: "filter";
  /** The seed of `order`. */
  readonly seed: number;
  /** Labels, or names of classes. */
  readonly labels: readonly (number | string)[];
  /** The order of those samples. */
  readonly order: Exclude<Order, FilterOrder>;
}

/** An {@link Order} over a known number of samples: a pure function of epoch and position. */
export interface BoundOrder {
  /** Positions of an epoch, at most 2^52. */
  readonly length: number;
  /** True if an epoch may visit a sample more than once, or never; false if it visits each of its samples once. */
  readonly repeats: boolean;
  /**
   * The sample at a position of an epoch; O(1) at any position, so ranks take a stride of it and a run resumes anywhere.
   * @param epoch - An integer in `[0, 2^32)`.
   * @param position - An integer in `[0, length)`.
   */
  at(epoch: number, position: number): number;
}
