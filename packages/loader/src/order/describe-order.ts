import { bindOrder } from "./bind-order.js";
import type { BlockShuffleOrder, Order, WeightedOrder } from "./order.js";
import { shuffleQuality } from "./shuffle-quality.js";

/** What {@link describeOrder} tells of, beside the order. */
export interface DescribedOrder {
  /** Samples of the split. */
  readonly samples: number;
  /** Positions of an epoch. */
  readonly positions: number;
  readonly batchSize: number;
  readonly worldSize: number;
  /** The data sets that are mixed by weight, if any. */
  readonly parts: readonly { readonly length: number; readonly weight: number }[] | undefined;
}

const number = new Intl.NumberFormat("en");

/** What an order does and why, in one line. */
export function describeOrder(order: Order, about: DescribedOrder): string {
  const { parts, positions } = about;
  if (parts === undefined) return orderText(order, about, positions);
  const total = parts.reduce((sum, part) => sum + part.weight, 0);
  const shares = parts.map((part) => `${((100 * part.weight) / total).toFixed(1)} % of ${number.format(part.length)}`);
  return `${number.format(positions)} positions an epoch from ${parts.length} data sets in exact proportions (${shares.join(", ")} samples), each by ${order.kind}, seed ${order.seed}`;
}

function orderText(order: Order, about: DescribedOrder, positions: number): string {
  switch (order.kind) {
    case "sequential":
      return `sequential, seed ${order.seed}: samples by their number${qualityText(order, positions)}`;
    case "shuffle":
      return `shuffle, seed ${order.seed}: another permutation of all samples each epoch${qualityText(order, positions)}`;
    case "blockShuffle":
      return blockText(order, about) + qualityText(order, positions);
    case "weighted":
      return weightedText(order, positions);
    case "filter": {
      const labels = order.labels.join(", ");
      const kept = `${number.format(positions)} of ${number.format(about.samples)} positions`;
      return `filter to labels ${labels}: ${kept}, then ${orderText(order.order, about, positions)}`;
    }
  }
}

function qualityText(order: Exclude<Order, { kind: "weighted" | "filter" }>, positions: number): string {
  return `; shuffle quality ${shuffleQuality(bindOrder(order, positions)).toFixed(2)} (0: by number, 1: uniform)`;
}

function blockText({ seed, blockSize, windowBlocks }: BlockShuffleOrder, about: DescribedOrder): string {
  const window = Math.min(about.positions, blockSize * windowBlocks);
  // A window seldom begins with a batch, so it touches one more.
  const batches = Math.min(Math.ceil(window / (about.batchSize * about.worldSize)) + 1, window);
  return `blockShuffle, seed ${seed}: blocks of ${number.format(blockSize)} samples that lie together, ${number.format(windowBlocks)} of them mixed at a time: each block is read within ${number.format(window)} positions, by at most ${number.format(batches)} batches, and no more in the epoch`;
}

function weightedText({ seed, classWeights }: WeightedOrder, positions: number): string {
  const by =
    classWeights === undefined
      ? "by weights of samples"
      : classWeights === "balanced"
        ? "each class equally often"
        : "by weights of classes";
  return `weighted, seed ${seed}: ${number.format(positions)} draws with replacement, ${by}`;
}
