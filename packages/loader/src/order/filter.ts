import { OptionError } from "@millrace/formats";
import { checkOrder } from "./order-schema.js";
import type { BoundOrder, FilterOrder, Order } from "./order.js";
import { shuffle } from "./shuffle.js";
import { checkWeights } from "./weighted.js";

/** What {@link filter} takes. */
export interface FilterOptions {
  /** The labels to keep, as numbers or as names of classes. */
  readonly labels: readonly (number | string)[];
  /** The order of the samples that are kept; default {@link shuffle} with seed 0. */
  readonly order?: FilterOrder["order"] | undefined;
}

/**
 * Visits only samples of some classes, in an order of their own. A position is O(1); the labels are read once, at
 * opening, in O(n), and cost 4 bytes for each sample that is kept.
 * @throws {@link OptionError} without labels.
 */
export function filter(options: FilterOptions): FilterOrder {
  const { labels, order = shuffle() } = options;
  return checkOrder({ kind: "filter", seed: order.seed, labels, order });
}

/** The samples that a filter keeps, and their labels. */
export interface FilteredSamples {
  readonly members: Uint32Array;
  readonly labels: Int32Array;
}

/**
 * Finds the samples that `order` keeps.
 * @param labels - Of all samples.
 * @param classes - Names of the labels.
 * @throws {@link OptionError} if a name is no class, or nothing is left.
 */
export function filterSamples(order: FilterOrder, labels: Int32Array, classes: readonly string[]): FilteredSamples {
  const wanted = new Set(order.labels.map((label) => (typeof label === "number" ? label : numberOf(label, classes))));
  let count = 0;
  for (const label of labels) if (wanted.has(label)) count++;
  if (count === 0) {
    throw new OptionError({
      option: "order",
      problem: "filter leaves no sample",
      expected: `labels that there are: ${[...new Set(labels.subarray(0, 2 ** 16))].slice(0, 20).join(", ")}`,
      found: order.labels.join(", "),
    });
  }
  const members = new Uint32Array(count);
  const kept = new Int32Array(count);
  for (let sample = 0, at = 0; sample < labels.length; sample++) {
    const label = labels[sample] as number;
    if (!wanted.has(label)) continue;
    members[at] = sample;
    kept[at++] = label;
  }
  return { members, labels: kept };
}

function numberOf(name: string, classes: readonly string[]): number {
  const label = classes.indexOf(name);
  if (label !== -1) return label;
  throw new OptionError({
    option: "order",
    problem: "filter: there is no such class",
    expected: classes.length === 0 ? "numbers, as the data set names no classes" : classes.slice(0, 20).join(", "),
    found: name,
  });
}

/**
 * `order` for some of `length` samples: weights of samples are those of the members.
 * @throws {@link OptionError} if the weights do not fit the samples.
 */
export function narrowOrder<T extends Order>(order: T, length: number, members: ArrayLike<number>): T {
  if (order.kind !== "weighted" || !Array.isArray(order.weights)) return order;
  const weights = checkWeights(order.weights, length);
  return { ...order, weights: Array.from(members, (member) => weights[member] as number) };
}

/** The order of the members, in numbers of all samples. */
export function bindMembers(inner: BoundOrder, members: Uint32Array): BoundOrder {
  return { ...inner, at: (epoch, position) => members[inner.at(epoch, position)] as number };
}
