import { applyCenterCrop, type CenterCrop } from "./center-crop.js";
import type { Geometry } from "./geometry.js";
import { applyHorizontalFlip, type HorizontalFlip } from "./horizontal-flip.js";
import type { Normalize } from "./normalize.js";
import { applyRandomResizedCrop, type RandomResizedCrop } from "./random-resized-crop.js";
import { applyResize, type Resize } from "./resize.js";
import type { TransformRandom } from "./transform-random.js";
import type { UserTransform } from "./user-transform.js";

/** A transform that moves pixels: it changes where the image lies in its source. */
export type GeometricTransform = RandomResizedCrop | CenterCrop | Resize | HorizontalFlip;

/** What happens to the image of each sample: plain data, made by the functions of the same names. */
export type Transform = GeometricTransform | Normalize | UserTransform;

/**
 * Applies one transform to where the image lies; pure but for `geometry`, which it changes.
 * @param random - Seeded for the sample and the transform.
 * @throws {@link SampleError} if the image is too small for it.
 */
export function applyTransform(transform: GeometricTransform, geometry: Geometry, random: TransformRandom): void {
  switch (transform.kind) {
    case "randomResizedCrop":
      return applyRandomResizedCrop(transform, geometry, random);
    case "centerCrop":
      return applyCenterCrop(transform, geometry);
    case "resize":
      return applyResize(transform, geometry);
    case "horizontalFlip":
      return applyHorizontalFlip(transform, geometry, random);
  }
}

/** `[height, width]` after the transform, for an image of that size before; `undefined` where it differs by sample. */
export function sizeAfter(
  transform: Transform,
  before: readonly [height: number, width: number] | undefined,
): readonly [height: number, width: number] | undefined {
  return "height" in transform ? [transform.height, transform.width] : before;
}
