/** Rounds of the network. Four suffice in theory (Luby and Rackoff, 1988); the round function here is weaker. */
const ROUNDS = 8;

/** Words of key that {@link createBijection} takes. */
export const BIJECTION_KEY_WORDS: number = ROUNDS;

/** The finaliser of MurmurHash3 (Appleby): each bit of the result depends on each bit of `x`. */
function mix(x: number): number {
  let h = x;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
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
  return (index) => {
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
  };
}
