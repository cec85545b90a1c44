import { Philox, seedWords } from "../philox.js";

/** Rounds of the network. Four suffice in theory (Luby and Rackoff, 1988); the round function here is weaker. */
const ROUNDS = 8;

/** Words of key that {@link createBijection} takes. */
export const BIJECTION_KEY_WORDS: number = ROUNDS;

/** The finaliser of MurmurHash3 (Appleby): each bit of the result depends on each bit of `x`. */
function mix(x: number): number {
  let h = x;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/**
 * A keyed permutation of `[0, length)`, as a function from an index to its image: an unbalanced Feistel network over
 * the next power of two, walked along its cycle until it lands below `length` (cycle walking: Black and Rogaway,
 * "Ciphers with arbitrary finite domains", 2002). The walk takes less than two steps on average.
 * @param length - From 1 to 2^52.
 * @param key - {@link BIJECTION_KEY_WORDS} words.
 */
export function createBijection(length: number, key: Uint32Array): (index: number) => number {
  let bits = 0;
  while (2 ** bits < length) bits++;
  const lowBits = Math.ceil(bits / 2);
  const lowSize = 2 ** lowBits;
  const lowMask = lowSize - 1;
  const highMask = 2 ** (bits - lowBits) - 1;
  return bits < 32 ? narrow : wide;

  /** The same as {@link wide} in integers of 32 bits, which are faster. */
  function narrow(index: number): number {
    let x = index;
    do {
      let low = x & lowMask;
      let high = x >>> lowBits;
      for (let round = 0; round < ROUNDS; round += 2) {
        high = (high ^ mix(low ^ (key[round] as number))) & highMask;
        low = (low ^ mix(high ^ (key[round + 1] as number))) & lowMask;
      }
      x = (high << lowBits) | low;
    } while (x >= length);
    return x;
  }

  function wide(index: number): number {
    let x = index;
    do {
      let low = x % lowSize;
      let high = (x - low) / lowSize;
      for (let round = 0; round < ROUNDS; round += 2) {
        high = (high ^ mix(low ^ (key[round] as number))) & highMask;
        low = (low ^ mix(high ^ (key[round + 1] as number))) & lowMask;
      }
      x = high * lowSize + low;
    } while (x >= length);
    return x;
  }
}

/**
 * Permutations by number, with keys that Philox makes of (seed, epoch, number). The last one is kept, so that asking
 * for it again costs a comparison and allocates nothing.
 */
export class KeyedBijection {
  readonly #philox = new Philox();
  readonly #key = new Uint32Array(BIJECTION_KEY_WORDS);
  readonly #seed: readonly [low: number, high: number];
  #epoch = -1;
  #number = -1;
  #length = -1;
  #permute: (index: number) => number = (index) => index;

  /**
   * @param seed - An integer in `[0, 2^53)`.
   * @param use - What the bits are for, one of `PHILOX_USE`.
   */
  constructor(
    seed: number,
    readonly use: number,
  ) {
    this.#seed = seedWords(seed);
  }

  /**
   * The permutation `number`, below 2^48, of an epoch over `[0, length)`; valid until another one is asked for.
   */
  over(length: number, epoch: number, number: number): (index: number) => number {
    if (epoch !== this.#epoch || number !== this.#number) {
      const [low, high] = this.#seed;
      const last = this.use * 2 ** 24 + Math.floor(number / 2 ** 32);
      for (let at = 0; at < BIJECTION_KEY_WORDS; at += 4) {
        this.#philox.block(low, high, epoch, at, number >>> 0, last);
        this.#key.set(this.#philox.words, at);
      }
      this.#epoch = epoch;
      this.#number = number;
    }
    if (length !== this.#length) {
      this.#permute = createBijection(length, this.#key);
      this.#length = length;
    }
    return this.#permute;
  }
}
