import { Philox, PHILOX_USE, seedWords } from "../philox.js";

/**
 * The random numbers of one transform on one sample: a pure function of (seed, epoch, sample, index of the transform),
 * so an augmentation does not depend on the worker, the batch or the time.
 */
export class TransformRandom {
  readonly #philox = new Philox();
  readonly #seed: readonly [low: number, high: number];
  #epoch = 0;
  #sampleLow = 0;
  #sampleHigh = 0;
  #block = 0;
  #used = 4;

  /** @param seed - An integer in `[0, 2^53)`. */
  constructor(seed: number) {
    this.#seed = seedWords(seed);
  }

  /** Begins the sequence of a transform. */
  reseed(epoch: number, sample: number, transformIndex: number): void {
    this.#epoch = epoch;
    this.#sampleLow = sample >>> 0;
    this.#sampleHigh = (Math.floor(sample / 2 ** 32) << 8) | transformIndex;
    this.#block = 0;
    this.#used = 4;
  }

  /** The next number, uniform in `[0, 1)`, with 32 random bits. */
  next(): number {
    if (this.#used === 4) {
      const word = PHILOX_USE.transform * 2 ** 24 + this.#block++;
      const [low, high] = this.#seed;
      this.#philox.block(low, high, this.#epoch, this.#sampleLow, this.#sampleHigh >>> 0, word);
      this.#used = 0;
    }
    return (this.#philox.words[this.#used++] as number) / 2 ** 32;
  }

  /** The next number, uniform in `[low, high)`. */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** The next integer, uniform in `[0, count)`. */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }
}
