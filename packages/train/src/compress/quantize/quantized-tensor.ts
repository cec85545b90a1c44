/** What all weights have, however they are kept. */
export interface WeightsBase {
  /** The weight's `originalName` in TensorFlow.js: `conv1/kernel`. */
  readonly name: string;
  /** The weight's shape; `[]` is a scalar. */
  readonly shape: readonly number[];
}

/** Weights as they are. */
export interface Float32Weights extends WeightsBase {
  readonly kind: "float32";
  readonly data: Float32Array;
}

/** Weights rounded to half precision. */
export interface Float16Weights extends WeightsBase {
  readonly kind: "float16";
  /** The bits of each number: IEEE 754 binary16. */
  readonly data: Uint16Array;
}

/** Weights on a grid of equal steps: `(data - zeroPoint) * scale`. */
export interface Int8Weights extends WeightsBase {
  readonly kind: "int8";
  readonly data: Int8Array;
  /** One, or one for each index along `axis`. */
  readonly scales: Float32Array;
  /** As many as scales; absent where the grid is symmetric, which is the same as zeros. */
  readonly zeroPoints?: Int8Array | undefined;
  /** The axis of `shape` that has a scale for each index; absent: one scale for all. */
  readonly axis?: number | undefined;
}

/** Weights that share few values: `centroids[code]`. A pruned tensor has a centroid that is 0. */
export interface CodebookWeights extends WeightsBase {
  readonly kind: "codebook";
  /** There are at most `2 ** bits` centroids. */
  readonly bits: number;
  readonly centroids: Float32Array;
  readonly codes: Uint8Array;
}

/**
 * Runs of weights that share few vectors. The weights that `keep` keeps, in row-major order, are cut into vectors of
 * `vectorLength`, the last one filled up; vector `i` is `centroids[codes[i]]`. The weights that it does not keep are 0.
 */
export interface ProductWeights extends WeightsBase {
  readonly kind: "product";
  readonly vectorLength: number;
  /** `[centroids, vectorLength]`. */
  readonly centroids: Float32Array;
  readonly codes: Uint8Array | Uint16Array;
  /** 1 for each weight that a code tells, 0 for each that is zero; absent: all are told. */
  readonly keep?: Uint8Array | undefined;
}

/** The weights of one tensor, quantised. Arrays are row-major and belong to whoever holds the object. */
export type QuantizedTensor = Float32Weights | Float16Weights | Int8Weights | CodebookWeights | ProductWeights;

/** The name of a way to keep weights. */
export type QuantizationKind = QuantizedTensor["kind"];

/** A model whose weights are quantised, in the host's memory: what {@link packModel} writes. */
export interface QuantizedModel {
  /** The layers, as `model.json` of TensorFlow.js has them. */
  readonly modelTopology: Readonly<Record<string, unknown>>;
  /** One for each weight of the model; names are unique. */
  readonly weights: readonly QuantizedTensor[];
}

/** The largest codebook in bits. */
export const MAX_CODEBOOK_BITS = 8;
/** The largest codebook of vectors in bits. */
export const MAX_PRODUCT_BITS = 10;
/** The longest vectors of a codebook. */
export const MAX_VECTOR_LENGTH = 64;
