import { OptionError } from "@millrace/formats";
import { bindBlockShuffle } from "./block-shuffle.js";
import { bindMembers, filterSamples, narrowOrder } from "./filter.js";
import type { BoundOrder, Order } from "./order.js";
import { bindSequential } from "./sequential.js";
import { bindShuffle } from "./shuffle.js";
import { bindWeighted } from "./weighted.js";

/** What an order may have to know of the samples beside their number. */
export interface OrderSource {
  /** Label of each sample; needed by filters and by weights of classes. */
  readonly labels?: Int32Array | undefined;
  /** Names of the labels. */
  readonly classes?: readonly string[] | undefined;
}

/** True if the order can only be bound with the labels of the samples. */
export function needsLabels(order: Order): boolean {
  return order.kind === "filter" || (order.kind === "weighted" && order.classWeights !== undefined);
}

/**
 * Binds an order to a number of samples. O(1) for `sequential`, `shuffle` and `blockShuffle`; O(`length`) for the
 * orders that need a table of the samples.
 * @throws {@link OptionError} if the order does not fit the samples.
 */
export function bindOrder(order: Order, length: number, source: OrderSource = {}): BoundOrder {
  switch (order.kind) {
    case "sequential":
      return bindSequential(length);
    case "shuffle":
      return bindShuffle(order, length);
    case "blockShuffle":
      return bindBlockShuffle(order, length);
    case "weighted":
      return bindWeighted(order, length, source.labels);
    case "filter": {
      const kept = filterSamples(order, source.labels ?? noLabels(), source.classes ?? []);
      const inner = narrowOrder(order.order, length, kept.members);
      return bindMembers(bindOrder(inner, kept.members.length, { labels: kept.labels }), kept.members);
    }
  }
}

function noLabels(): never {
  throw new OptionError({
    option: "order",
    problem: "filter: there are no labels",
    expected: "a field label of integers",
  });
}
