import type * as tfc from "@tensorflow/tfjs-core";
import type { HostTensor, PixelAffine } from "../upload/host-tensor.js";

/** The backends by name. */
export const BACKEND_NAMES = ["tensorflow", "wasm", "cpu"] as const;

/** The name of a backend, which is also its name in TensorFlow.js. */
export type BackendName = (typeof BACKEND_NAMES)[number];

/** The functions of TensorFlow.js. Operations are free functions, `tf.add(a, b)`; tensors have no chained ones. */
export type TensorFlow = typeof tfc;

/**
 * A device that trains, made current in TensorFlow.js: every operation and every new tensor of the process goes to it.
 * So only one is open at a time; opening the next one closes the one before.
 *
 * Memory: {@link Backend.upload} and {@link Backend.uploadLabels} have finished reading when they return. The batch's
 * memory belongs to the loader again from then on, on every backend. The tensors they return belong to the caller,
 * who disposes them (or calls inside `tf.tidy`). Tensors and models do not outlive `close`: they can still be disposed
 * after it, and nothing else, so read out first what is to stay.
 */
export interface Backend extends AsyncDisposable {
  readonly name: BackendName;
  /** What computes, in words: `CPU, TensorFlow 2.15.1, 2 threads`. */
  readonly device: string;
  /** True only where the device itself says that it is a GPU. */
  readonly isGpu: boolean;
  /** TensorFlow.js, running on this backend. */
  readonly tf: TensorFlow;
  /**
   * Brings a batch of images to the device as float32.
   * `uint8` becomes `pixel * scale + shift` on the way, in float32 and equal to the bit on every backend (but where
   * `tensorflow` takes numbers below the normal range for 0); `float32` is taken as it is, for its transforms ran already.
   * @param image - `[batch, height, width, channels]`, dtype `uint8` or `float32`.
   * @param affine - One number a channel; without it pixels stay 0 to 255.
   * @returns float32 `[batch, height, width, channels]`, the caller's.
   * @throws {@link OptionError} if shape, dtype or `affine` do not fit; {@link ClosedError} after `close`.
   */
  upload(image: HostTensor, affine?: PixelAffine): tfc.Tensor4D;
  /**
   * Brings class numbers to the device.
   * @param labels - `[batch]`, of any integer dtype up to 32 bits.
   * @returns int32 `[batch]`, the caller's.
   * @throws {@link OptionError} if shape or dtype do not fit; {@link ClosedError} after `close`.
   */
  uploadLabels(labels: HostTensor): tfc.Tensor1D;
  /**
   * Resolves when the device has run everything submitted so far. Where operations run on the calling thread (`wasm`,
   * `cpu`, `tensorflow` on a CPU) that is already so.
   * @throws {@link ClosedError} after `close`.
   */
  fence(): Promise<void>;
  /** Leaves TensorFlow.js without this backend, and keeps none of its own tensors. Closing twice is allowed. */
  close(): Promise<void>;
}
