import type { BoundOrder } from "./order.js";

/** Neighbours that {@link shuffleQuality} looks at, which makes it exact to about one percent. */
const PAIRS = 2 ** 14;

/**
 * How random an order that visits each sample once is, by what neighbours in it have to do with each other: 1 for a
 * uniform shuffle, 0 for samples by their number. It is half of the rank version of von Neumann's ratio (Bartels,
 * "The rank version of von Neumann's ratio test for randomness", 1982): the mean squared difference of neighbours'
 * sample numbers over its expectation for a uniform permutation of `n` numbers, `n * (n + 1) / 6`; so it is one less the
 * rank correlation of neighbours. A block shuffle has about `1 - 1 / windowBlocks`, the chance that neighbours come
 * from different blocks.
 * @param samples - How many sample numbers there are, where the order does not visit all.
 * @returns From 0 to 1, found from 16,384 pairs of epoch 0 that are spread evenly, so it costs the same for any length.
 */
export function shuffleQuality(order: BoundOrder, samples: number = order.length): number {
  const { length } = order;
  const pairs = Math.min(PAIRS, length - 1);
  if (pairs < 1) return 1;
  let sum = 0;
  for (let pair = 0; pair < pairs; pair++) {
    const position = Math.floor((pair * (length - 1)) / pairs);
    sum += (order.at(0, position + 1) - order.at(0, position)) ** 2;
  }
  return Math.min(1, sum / pairs / ((samples * (samples + 1)) / 6));
}
