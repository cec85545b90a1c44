/** A list of numbers that grows in place: 8 bytes a number, whatever their values up to 2^53. */
export class NumberList {
  #values: Float64Array = new Float64Array(64);
  #length = 0;

  /** How many numbers it holds. */
  get length(): number {
    return this.#length;
  }

  /** Appends a number. */
  push(value: number): void {
    if (this.#length === this.#values.length) {
      const grown = new Float64Array(this.#length * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#length++] = value;
  }

  /** The number at `index`, which must be inside. */
  at(index: number): number {
    return this.#values[index] as number;
  }

  /** The numbers, in memory of just their size. */
  toArray(): Float64Array {
    return this.#values.slice(0, this.#length);
  }
}
