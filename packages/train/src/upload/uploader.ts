import type { Tensor4D } from "@tensorflow/tfjs-core";
import type { ImageShape } from "./check-host-tensor.js";
import type { PixelAffine } from "./host-tensor.js";

/** Brings images, already checked, to one kind of device. Both calls have finished reading when they return. */
export interface Uploader {
  /** Pixels become `pixel * scale + shift`. The tensor is the caller's. */
  uploadPixels(pixels: Uint8Array, shape: ImageShape, affine: PixelAffine | undefined): Tensor4D;
  /** Floats stay as they are. The tensor is the caller's. */
  uploadFloats(floats: Float32Array, shape: ImageShape): Tensor4D;
  /** Frees what is kept between uploads. */
  dispose(): void;
}
