/**
 * Draws an index with probability in proportion to its weight, in O(1) for each draw: the alias method of Walker
 * ("An efficient method for generating discrete random variables with general distributions", 1977), with the table
 * built in O(n) as by Vose (1991). Twelve bytes an index.
 */
export class AliasTable {
  /** Share of each column that is its own index's. */
  readonly #share: Float64Array;
  /** Whose the rest of the column is. */
  readonly #alias: Uint32Array;

  /** @param weights - At least one; finite, not negative, not all zero. */
  constructor(weights: ArrayLike<number>) {
    const { length } = weights;
    let heaviest = 0;
    for (let i = 1; i < length; i++) if ((weights[i] as number) > (weights[heaviest] as number)) heaviest = i;
    const largest = weights[heaviest] as number;
    let total = 0;
    for (let i = 0; i < length; i++) total += (weights[i] as number) / largest;
    this.#share = new Float64Array(length);
    this.#alias = new Uint32Array(length);
    // Indices whose column is not yet full, then, from the end, those that have more than one column.
    const queue = new Uint32Array(length);
    let small = 0;
    let large = length;
    for (let i = 0; i < length; i++) {
      const share = ((weights[i] as number) / largest) * (length / total);
      this.#share[i] = share;
      this.#alias[i] = i;
      if (share < 1) queue[small++] = i;
      else queue[--large] = i;
    }
    this.#fill(queue, small, large, heaviest);
  }

  #fill(queue: Uint32Array, smallCount: number, largeStart: number, heaviest: number): void {
    let small = smallCount;
    let large = largeStart;
    const { length } = queue;
    while (small > 0 && large < length) {
      const low = queue[--small] as number;
      const high = queue[large] as number;
      this.#alias[low] = high;
      const rest = (this.#share[high] as number) + (this.#share[low] as number) - 1;
      this.#share[high] = rest;
      if (rest >= 1) continue;
      large++;
      queue[small++] = high;
    }
    // What is left is full but for rounding. An index of weight zero among it must still never be drawn.
    while (small > 0) this.#alias[queue[--small] as number] = heaviest;
  }

  /**
   * @param column - Uniform in `[0, 1)`.
   * @param coin - Uniform in `[0, 1)`, independent of it.
   */
  draw(column: number, coin: number): number {
    const index = Math.floor(column * this.#share.length);
    return coin < (this.#share[index] as number) ? index : (this.#alias[index] as number);
  }
}
