import { Philox, PHILOX_USE, seedWords } from "../philox.js";
import { BIJECTION_KEY_WORDS, createBijection } from "./bijection.js";
import type { BoundOrder, ShuffleOrder } from "./order.js";

/**
 * Visits the samples in a random order, another one each epoch: a global shuffle that needs no memory, however many
 * samples there are. The same `seed` (default 0) gives the same orders on every machine.
 */
export function shuffle(options: { readonly seed?: number | undefined } = {}): ShuffleOrder {
  return { kind: "shuffle", seed: options.seed ?? 0 };
}

/** {@link shuffle} over `length` samples. The keys of the last epoch asked for are kept. */
export function bindShuffle(order: ShuffleOrder, length: number): BoundOrder {
  const philox = new Philox();
  const [low, high] = seedWords(order.seed);
  const key = new Uint32Array(BIJECTION_KEY_WORDS);
  const permute = createBijection(length, key);
  let keyed = -1;
  return {
    length,
    at: (epoch, position) => {
      if (epoch !== keyed) {
        for (let at = 0; at < BIJECTION_KEY_WORDS; at += 4) {
          philox.block(low, high, epoch, at, 0, PHILOX_USE.order * 2 ** 24);
          key.set(philox.words, at);
        }
        keyed = epoch;
      }
      return permute(position);
    },
  };
}
