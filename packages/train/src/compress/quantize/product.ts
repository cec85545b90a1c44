import { elementsOf } from "@millrace/formats";
import type { ProductWeights } from "./quantized-tensor.js";
import { nearestVector, vectorKMeans } from "./vector-k-means.js";

/** How {@link quantizeProduct} makes its codebook. */
export interface ProductOptions {
  /** 1 to 10: the codebook has `2 ** bits` vectors at most. */
  readonly bits: number;
  /** Weights that share a code, 1 to 64. */
  readonly vectorLength: number;
  readonly seed: number;
}

/**
 * Lets runs of weights share few vectors (vector quantisation as in Gong et al., "Compressing Deep Convolutional
 * Networks using Vector Quantization", 2014, section 3.2). Zeros stay exactly zero: runs are of the others.
 * @param data - Finite numbers, row-major.
 */
export function quantizeProduct(
  name: string,
  shape: readonly number[],
  data: Float32Array,
  { bits, vectorLength, seed }: ProductOptions,
): ProductWeights {
  const others = data.filter((value) => value !== 0);
  const count = Math.ceil(others.length / vectorLength);
  const vectors = new Float32Array(count * vectorLength);
  vectors.set(others);
  const clusters = Math.min(2 ** bits, count);
  const centroids = clusters === 0 ? new Float32Array(0) : vectorKMeans(vectors, { vectorLength, clusters, seed });
  const codes = centroids.length / vectorLength <= 256 ? new Uint8Array(count) : new Uint16Array(count);
  for (let i = 0; i < count; i++) codes[i] = nearestVector(vectors, i * vectorLength, centroids, vectorLength);
  const keep = others.length === data.length ? {} : { keep: Uint8Array.from(data, (value) => (value === 0 ? 0 : 1)) };
  return { kind: "product", name, shape, vectorLength, centroids, codes, ...keep };
}

/** The weights that {@link quantizeProduct} left. */
export function dequantizeProduct({ shape, vectorLength, centroids, codes, keep }: ProductWeights): Float32Array {
  const numbers = new Float32Array(elementsOf(shape));
  let told = 0;
  for (let i = 0; i < numbers.length; i++) {
    if (keep?.[i] === 0) continue;
    const code = codes[Math.floor(told / vectorLength)] as number;
    numbers[i] = centroids[code * vectorLength + (told % vectorLength)] as number;
    told++;
  }
  return numbers;
}
