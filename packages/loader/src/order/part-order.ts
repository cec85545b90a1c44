import { narrowOrder } from "./filter.js";
import { partSeed } from "./mix.js";
import type { Order } from "./order.js";

/** Some of the samples of all, one after the other. */
export interface SampleRange {
  readonly start: number;
  readonly length: number;
}

/**
 * `order` as one of several mixed data sets has it: with a seed of its own, and those weights that are its samples'.
 * @param total - Samples of all.
 * @throws {@link OptionError} if the weights do not fit the samples.
 */
export function partOrder<T extends Order>(order: T, part: number, range: SampleRange, total: number): T {
  const seed = partSeed(order.seed, part);
  if (order.kind === "filter") return { ...order, seed, order: partOrder(order.order, part, range, total) };
  if (order.kind !== "weighted") return { ...order, seed };
  const members = Array.from({ length: range.length }, (_, i) => range.start + i);
  return { ...narrowOrder(order, total, members), seed };
}
