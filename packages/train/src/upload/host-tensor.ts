import type { Dtype, TypedArray } from "@millrace/formats";

/**
 * A tensor in the host's memory: one field of a batch. A loader's `batch.fields.get(name)` fits as it is.
 * The memory may be shared between threads and may start at any offset its element type allows.
 */
export interface HostTensor {
  /** The elements, row-major; exactly as many as `shape` says. */
  readonly data: TypedArray;
  readonly dtype: Dtype;
  /** The batch comes first: images are `[batch, height, width, channels]`, labels `[batch]`. */
  readonly shape: readonly number[];
}

/**
 * How pixels become floats: `pixel * scale + shift`, with pixels 0 to 255 and one number a channel. For a data set of
 * known mean and standard deviation (both in 0 to 1): `scale = 1 / (255 * std)`, `shift = -mean / std`.
 */
export interface PixelAffine {
  readonly scale: readonly number[];
  readonly shift: readonly number[];
}
