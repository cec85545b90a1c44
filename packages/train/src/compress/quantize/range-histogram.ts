/** Bins on each side of zero. */
const BINS = 1024;

/**
 * Counts numbers whose range is not known before: when one lies outside, the bins become twice as wide and neighbours are
 * counted together. So a percentile is exact to a bin, which is at most 1/512 of the greatest magnitude wide.
 */
export class RangeHistogram {
  readonly #negative = new Float64Array(BINS);
  readonly #positive = new Float64Array(BINS);
  /** What the bins of a side reach to; a power of two, 0 before the first number that is not 0. */
  #reach = 0;
  #count = 0;
  #min = 0;
  #max = 0;

  /** How many numbers were counted. */
  get count(): number {
    return this.#count;
  }

  /** Counts finite numbers; false, and nothing is counted, if one is not finite. */
  add(numbers: ArrayLike<number>): boolean {
    let [min, max] = [this.#min, this.#max];
    for (let i = 0; i < numbers.length; i++) {
      const value = numbers[i] as number;
      if (!Number.isFinite(value)) return false;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    this.#min = min;
    this.#max = max;
    this.#widen(Math.max(-min, max));
    const perBin = this.#reach === 0 ? 0 : BINS / this.#reach;
    for (let i = 0; i < numbers.length; i++) {
      const value = numbers[i] as number;
      const side = value < 0 ? this.#negative : this.#positive;
      const bin = Math.min(BINS - 1, Math.floor(Math.abs(value) * perBin));
      side[bin] = (side[bin] as number) + 1;
    }
    this.#count += numbers.length;
    return true;
  }

  /**
   * The range, with 0 in it, outside which at most `100 - percentile` percent of the numbers lie on each side.
   * @param percentile - 50 to 100; 100 is from the least to the greatest.
   */
  range(percentile: number): { readonly min: number; readonly max: number } {
    const outside = (this.#count * (100 - percentile)) / 100;
    return {
      min: Math.max(this.#min, -this.#bound(this.#negative, outside)),
      max: Math.min(this.#max, this.#bound(this.#positive, outside)),
    };
  }

  /** The upper edge of the outermost bin of a side beyond which no more than `outside` numbers lie. */
  #bound(side: Float64Array, outside: number): number {
    let beyond = 0;
    let bin = BINS;
    while (bin > 0 && (beyond += side[bin - 1] as number) <= outside) bin--;
    return (bin * this.#reach) / BINS;
  }

  #widen(magnitude: number): void {
    if (magnitude <= this.#reach) return;
    if (this.#reach === 0) this.#reach = 2 ** Math.ceil(Math.log2(magnitude));
    while (this.#reach < magnitude) {
      this.#reach *= 2;
      for (const side of [this.#negative, this.#positive]) {
        for (let bin = 0; bin < BINS; bin++)
          side[bin] = bin < BINS / 2 ? (side[2 * bin] as number) + (side[2 * bin + 1] as number) : 0;
      }
    }
  }
}
