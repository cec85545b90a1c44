import { kMeans, nearestCentroid } from "./k-means.js";
import type { CodebookWeights } from "./quantized-tensor.js";

/**
 * Lets weights share `2 ** bits` values at most: Han, Mao and Dally, "Deep Compression" (2016), section 3. If some are
 * zero, the first centroid is 0 and has exactly these.
 * @param data - Finite numbers, row-major.
 * @param bits - 1 to 8.
 */
export function quantizeCodebook(
  name: string,
  shape: readonly number[],
  data: Float32Array,
  bits: number,
): CodebookWeights {
  const others = data.filter((value) => value !== 0).toSorted();
  const hasZeros = others.length < data.length;
  const found = others.length === 0 ? new Float32Array(0) : kMeans(others, 2 ** bits - (hasZeros ? 1 : 0));
  const first = hasZeros ? 1 : 0;
  const centroids = new Float32Array(found.length + first);
  centroids.set(found, first);
  const codes = new Uint8Array(data.length);
  for (let i = 0; i < codes.length; i++) {
    const value = data[i] as number;
    codes[i] = value === 0 ? 0 : first + nearestCentroid(found, value);
  }
  return { kind: "codebook", name, shape, bits, centroids, codes };
}

/** The weights that {@link quantizeCodebook} left. */
export function dequantizeCodebook({ centroids, codes }: CodebookWeights): Float32Array {
  const numbers = new Float32Array(codes.length);
  for (let i = 0; i < numbers.length; i++) numbers[i] = centroids[codes[i] as number] as number;
  return numbers;
}
