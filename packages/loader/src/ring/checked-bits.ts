/** Which samples of a split have been checked against their checksum in this process: a bit each, in shared memory. */
export class CheckedBits {
  readonly #words: Int32Array;

  /** @param buffer - Made by {@link CheckedBits.allocate}. */
  constructor(readonly buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer);
  }

  /** Zeroed bits for `length` samples. */
  static allocate(length: number): CheckedBits {
    return new CheckedBits(new SharedArrayBuffer(4 * Math.ceil(length / 32)));
  }

  /** True if the sample was checked before, by whatever thread. */
  has(sample: number): boolean {
    return (Atomics.load(this.#words, sample >>> 5) & (1 << (sample & 31))) !== 0;
  }

  /** Remembers that the sample was checked. */
  add(sample: number): void {
    Atomics.or(this.#words, sample >>> 5, 1 << (sample & 31));
  }
}
