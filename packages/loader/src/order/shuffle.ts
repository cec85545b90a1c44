import { PHILOX_USE } from "../philox.js";
import { KeyedBijection } from "./bijection.js";
import { checkOrder } from "./order-schema.js";
import type { BoundOrder, ShuffleOrder } from "./order.js";

/**
 * Visits the samples in a random order, another one each epoch: a global shuffle that needs no memory, however many
 * samples there are. The same `seed` (default 0) gives the same orders on every machine.
 * @throws {@link OptionError} for an impossible seed.
 */
export function shuffle(options: { readonly seed?: number | undefined } = {}): ShuffleOrder {
  return checkOrder({ kind: "shuffle", seed: options.seed ?? 0 });
}

/** {@link shuffle} over `length` samples. The keys of the last epoch asked for are kept. */
export function bindShuffle(order: ShuffleOrder, length: number): BoundOrder {
  const permutation = new KeyedBijection(order.seed, PHILOX_USE.order);
  return {
    length,
    repeats: false,
    at: (epoch, position) => permutation.over(length, epoch, 0)(position),
  };
}
