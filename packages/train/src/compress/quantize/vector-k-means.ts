/** Passes of Lloyd's algorithm; later ones change little. */
const PASSES = 20;
/** Centroids are found from so many vectors each, which are enough to place them. */
const VECTORS_PER_CENTROID = 64;

/** What {@link vectorKMeans} is asked for. */
export interface VectorKMeansOptions {
  /** Numbers in a vector. */
  readonly vectorLength: number;
  /** Centroids, 1 and up. */
  readonly clusters: number;
  /** Of the choice of the first centroids. */
  readonly seed: number;
}

/**
 * Centroids of vectors: k-means++ (Arthur and Vassilvitskii, 2007), then Lloyd's algorithm, over vectors at equal
 * distances in the list where there are very many. If there are no more different vectors than `clusters`, and all are
 * looked at, they are the centroids.
 * @param vectors - `[vectors, vectorLength]`, finite.
 * @returns `[centroids, vectorLength]`, at most `clusters`.
 */
export function vectorKMeans(vectors: Float32Array, options: VectorKMeansOptions): Float32Array {
  const { vectorLength, clusters } = options;
  const sample = every(vectors, vectorLength, clusters * VECTORS_PER_CENTROID);
  const centroids = firstCentroids(sample, options);
  for (let pass = 0; pass < PASSES; pass++) if (!improve(sample, centroids, vectorLength)) break;
  return centroids;
}

/** The index of the nearest centroid to the vector that begins at `at`; of several as near, the first. */
export function nearestVector(
  vectors: Float32Array,
  at: number,
  centroids: Float32Array,
  vectorLength: number,
): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let c = 0, index = 0; c < centroids.length; c += vectorLength, index++) {
    const distance = squaredDistance(vectors, at, centroids, c, vectorLength, least);
    if (distance < least) [least, best] = [distance, index];
  }
  return best;
}

/** At most `most` vectors, equally far apart. */
function every(vectors: Float32Array, vectorLength: number, most: number): Float32Array {
  const count = vectors.length / vectorLength;
  if (count <= most) return vectors;
  const sample = new Float32Array(most * vectorLength);
  for (let i = 0; i < most; i++) {
    const at = Math.floor((i * count) / most) * vectorLength;
    sample.set(vectors.subarray(at, at + vectorLength), i * vectorLength);
  }
  return sample;
}

/** Vectors drawn with a probability that is proportional to their squared distance from those drawn before. */
function firstCentroids(vectors: Float32Array, { vectorLength, clusters, seed }: VectorKMeansOptions): Float32Array {
  const count = vectors.length / vectorLength;
  const random = randomNumbers(seed);
  const centroids = new Float32Array(clusters * vectorLength);
  const distances = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  let chosen = Math.floor(random() * count);
  for (let c = 0; c < clusters; c++) {
    const at = c * vectorLength;
    centroids.set(vectors.subarray(chosen * vectorLength, (chosen + 1) * vectorLength), at);
    let total = 0;
    for (let i = 0; i < count; i++) {
      const distance = squaredDistance(
        vectors,
        i * vectorLength,
        centroids,
        at,
        vectorLength,
        Number.POSITIVE_INFINITY,
      );
      total += distances[i] = Math.min(distances[i] as number, distance);
    }
    if (total === 0) return centroids.slice(0, at + vectorLength);
    let rest = random() * total;
    chosen = distances.findIndex((distance) => distance > 0 && (rest -= distance) <= 0);
    if (chosen === -1) chosen = distances.findLastIndex((distance) => distance > 0);
  }
  return centroids;
}

/** Moves each centroid to the mean of the vectors that are nearest to it; false if nothing moved. */
function improve(vectors: Float32Array, centroids: Float32Array, vectorLength: number): boolean {
  const sums = new Float64Array(centroids.length);
  const counts = new Uint32Array(centroids.length / vectorLength);
  for (let at = 0; at < vectors.length; at += vectorLength) {
    const nearest = nearestVector(vectors, at, centroids, vectorLength);
    counts[nearest] = (counts[nearest] as number) + 1;
    for (let j = 0; j < vectorLength; j++)
      sums[nearest * vectorLength + j] = (sums[nearest * vectorLength + j] as number) + (vectors[at + j] as number);
  }
  let moved = false;
  for (let i = 0; i < centroids.length; i++) {
    const count = counts[Math.floor(i / vectorLength)] as number;
    if (count === 0) continue;
    const mean = Math.fround((sums[i] as number) / count);
    moved ||= mean !== centroids[i];
    centroids[i] = mean;
  }
  return moved;
}

/** Gives up beyond `enough`. */
function squaredDistance(
  a: Float32Array,
  aAt: number,
  b: Float32Array,
  bAt: number,
  length: number,
  enough: number,
): number {
  let sum = 0;
  for (let j = 0; j < length && sum < enough; j++) {
    const difference = (a[aAt + j] as number) - (b[bAt + j] as number);
    sum += difference * difference;
  }
  return sum;
}

/** Numbers 0 to 1 (mulberry32, Tommy Ettinger, public domain). */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
