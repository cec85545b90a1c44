/** Where the passes end at the latest; a one-dimensional k-means needs far fewer. */
const MAX_PASSES = 300;

/**
 * Centroids of sorted numbers by Lloyd's algorithm, begun from centroids at equal distances between the least and the
 * greatest number, which serve weights better than random ones as they keep the few large ones apart (Han, Mao and
 * Dally, "Deep Compression", 2016, section 3.2). The sum of squared distances is never above that of these initial
 * centroids. If there are no more different numbers than `clusters`, they are the centroids.
 * @param sorted - Finite numbers, ascending.
 * @param clusters - 1 and up.
 * @returns ascending, at most `clusters`; those without a number are left out.
 */
export function kMeans(sorted: Float32Array, clusters: number): Float32Array {
  const distinct = distinctNumbers(sorted, clusters);
  if (distinct !== undefined) return distinct;
  const initial = linearCentroids(sorted, clusters);
  const sums = new Float64Array(sorted.length + 1);
  for (let i = 0; i < sorted.length; i++) sums[i + 1] = (sums[i] as number) + (sorted[i] as number);
  const centroids = Float64Array.from(initial);
  let starts = clusterStarts(sorted, centroids);
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    for (let c = 0; c < clusters; c++) {
      const [start, end] = [starts[c] as number, starts[c + 1] as number];
      if (start === end) continue;
      const mean = ((sums[end] as number) - (sums[start] as number)) / (end - start);
      // Sums of large and small numbers are not exact; a mean lies among its numbers.
      centroids[c] = Math.max(sorted[start] as number, Math.min(sorted[end - 1] as number, mean));
    }
    const next = clusterStarts(sorted, centroids);
    const isDone = next.every((start, c) => start === starts[c]);
    starts = next;
    if (isDone) break;
  }
  const result = withNumbers(sorted, Float32Array.from(centroids));
  const linear = withNumbers(sorted, Float32Array.from(initial));
  return squaredError(sorted, result) <= squaredError(sorted, linear) ? result : linear;
}

/** Centroids at equal distances from the least to the greatest of sorted numbers; the mean of both, if one is asked for. */
export function linearCentroids(sorted: Float32Array, clusters: number): Float32Array {
  const [low, high] = [sorted[0] as number, sorted.at(-1) as number];
  if (clusters === 1) return Float32Array.of((low + high) / 2);
  return Float32Array.from({ length: clusters }, (_, c) => low + ((high - low) * c) / (clusters - 1));
}

/** The sum of squared distances of sorted numbers to their nearest centroids, which are ascending. */
export function squaredError(sorted: Float32Array, centroids: Float32Array): number {
  const starts = clusterStarts(sorted, centroids);
  let sum = 0;
  for (let c = 0; c < centroids.length; c++)
    for (let i = starts[c] as number; i < (starts[c + 1] as number); i++)
      sum += ((sorted[i] as number) - (centroids[c] as number)) ** 2;
  return sum;
}

/** The index of the nearest of ascending centroids; of two as near, the lower. */
export function nearestCentroid(centroids: Float32Array, value: number): number {
  let low = 0;
  let high = centroids.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (value > ((centroids[middle] as number) + (centroids[middle + 1] as number)) / 2) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The different numbers, if there are at most `most`. */
function distinctNumbers(sorted: Float32Array, most: number): Float32Array | undefined {
  const distinct: number[] = [];
  for (const value of sorted) {
    if (value === distinct.at(-1)) continue;
    if (distinct.length === most) return undefined;
    distinct.push(value);
  }
  return Float32Array.from(distinct);
}

/** Where the numbers of each centroid begin in the sorted numbers, and their end. */
function clusterStarts(sorted: Float32Array, centroids: Float32Array | Float64Array): Uint32Array {
  const starts = new Uint32Array(centroids.length + 1);
  for (let c = 1; c < centroids.length; c++)
    starts[c] = firstAbove(sorted, ((centroids[c - 1] as number) + (centroids[c] as number)) / 2);
  starts[centroids.length] = sorted.length;
  return starts;
}

/** The index of the first number above `bound`. */
function firstAbove(sorted: Float32Array, bound: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) > bound) high = middle;
    else low = middle + 1;
  }
  return low;
}

function withNumbers(sorted: Float32Array, centroids: Float32Array): Float32Array {
  const starts = clusterStarts(sorted, centroids);
  return centroids.filter((_, c) => starts[c] !== starts[c + 1]);
}
