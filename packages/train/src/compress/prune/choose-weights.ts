/**
 * Masks of arrays of scores, in which exactly `zeros` numbers are 0: those with the lowest scores, of equals the last.
 * Each array keeps its best.
 */
export function chooseWeights(scores: readonly Float32Array[], zeros: number): Uint8Array[] {
  const best = scores.map((array) => bestOf(array));
  const all = new Float32Array(scores.reduce((sum, { length }) => sum + length - 1, 0));
  let at = 0;
  for (const [index, array] of scores.entries()) {
    all.set(array.subarray(0, best[index]), at);
    all.set(array.subarray((best[index] as number) + 1), at + (best[index] as number));
    at += array.length - 1;
  }
  all.sort();
  // Below the threshold all go; of those equal to it, as many of the last as are still wanted.
  const threshold = zeros === 0 ? Number.NEGATIVE_INFINITY : (all[zeros - 1] as number);
  let ties = zeros - lowerBound(all, threshold);
  const masks = scores.map((array) => new Uint8Array(array.length));
  for (let index = scores.length - 1; index >= 0; index--) {
    const array = scores[index] as Float32Array;
    const mask = masks[index] as Uint8Array;
    for (let i = array.length - 1; i >= 0; i--) {
      const score = array[i] as number;
      const isTie = score === threshold && ties > 0;
      if (i === best[index] || (score >= threshold && !isTie)) mask[i] = 1;
      else if (isTie) ties--;
    }
  }
  return masks;
}

/** The first of the highest. */
function bestOf(array: Float32Array): number {
  let best = 0;
  for (const [i, score] of array.entries()) if (score > (array[best] as number)) best = i;
  return best;
}

/** How many values of a sorted array lie below `value`. */
function lowerBound(sorted: Float32Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
