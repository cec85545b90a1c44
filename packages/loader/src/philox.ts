/** Multipliers and key increments of Philox4x32 (Salmon et al., SC 2011, table 2 and section 4.3). */
const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;
const ROUNDS = 10;

/** The upper 32 bits of the product of two unsigned 32-bit numbers. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return aHigh * bHigh + (middle >>> 16) + (carry >>> 16);
}

/**
 * Random bits as a pure function of a key and a counter: Philox4x32 with 10 rounds ("Parallel random numbers: as easy
 * as 1, 2, 3", Salmon, Moraes, Dror, Shaw, SC 2011). No state is carried from one sample to the next, so a sample's
 * randomness does not depend on who computes it or when.
 */
export class Philox {
  /** The four words of the last block; overwritten by the next. */
  readonly words: Uint32Array = new Uint32Array(4);

  /**
   * Computes the block of a counter: all words are integers in `[0, 2^32)`.
   * @param keyLow - The key in two words; {@link seedWords} makes them of a seed.
   * @param c0 - The counter in four words.
   */
  block(keyLow: number, keyHigh: number, c0: number, c1: number, c2: number, c3: number): void {
    let k0 = keyLow;
    let k1 = keyHigh;
    let a = c0;
    let b = c1;
    let c = c2;
    let d = c3;
    for (let round = 0; round < ROUNDS; round++) {
      const high0 = mulHigh(M0, a);
      const high1 = mulHigh(M1, c);
      const low0 = Math.imul(M0, a) >>> 0;
      const low1 = Math.imul(M1, c) >>> 0;
      a = (high1 ^ b ^ k0) >>> 0;
      b = low1;
      c = (high0 ^ d ^ k1) >>> 0;
      d = low0;
      k0 = (k0 + W0) >>> 0;
      k1 = (k1 + W1) >>> 0;
    }
    this.words[0] = a;
    this.words[1] = b;
    this.words[2] = c;
    this.words[3] = d;
  }
}

/** The two words of a key of a seed, an integer in `[0, 2^53)`. */
export function seedWords(seed: number): readonly [low: number, high: number] {
  return [seed >>> 0, Math.floor(seed / 2 ** 32)];
}

/** What the blocks of a key are for; the upper byte of the counter's last word keeps the uses apart. */
export const PHILOX_USE = {
  order: 1,
  transform: 2,
  blocks: 3,
  shortBlock: 4,
  window: 5,
  draw: 6,
  mix: 7,
  part: 8,
} as const;
