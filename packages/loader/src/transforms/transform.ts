import type { Kernels, ResampleSource } from "@millrace/image";
import { applyCenterCrop, type CenterCrop } from "./center-crop.js";
import { applyColorJitter, type ColorJitter } from "./color-jitter.js";
import type { Geometry } from "./geometry.js";
import { applyGrayscale, type Grayscale } from "./grayscale.js";
import { applyHorizontalFlip, type HorizontalFlip } from "./horizontal-flip.js";
import type { Normalize } from "./normalize.js";
import { applyPad, type Pad } from "./pad.js";
import { applyRandomCrop, type RandomCrop } from "./random-crop.js";
import { applyRandomResizedCrop, type RandomResizedCrop } from "./random-resized-crop.js";
import { applyResize, resizedSize, type Resize } from "./resize.js";
import type { TransformRandom } from "./transform-random.js";
import type { UserTransform } from "./user-transform.js";
import { applyVerticalFlip, type VerticalFlip } from "./vertical-flip.js";

/** A transform that moves pixels: it changes where the image lies in its source. */
export type GeometricTransform =
  | RandomResizedCrop
  | RandomCrop
  | CenterCrop
  | Resize
  | Pad
  | HorizontalFlip
  | VerticalFlip;

/** A transform that changes the colours of uint8 pixels in place. */
export type ColourTransform = ColorJitter | Grayscale;

/** What happens to the image of each sample: plain data, made by the functions of the same names. */
export type Transform = GeometricTransform | ColourTransform | Normalize | UserTransform;

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
    case "randomCrop":
      return applyRandomCrop(transform, geometry, random);
    case "pad":
      return applyPad(transform, geometry);
    case "horizontalFlip":
      return applyHorizontalFlip(transform, geometry, random);
    case "verticalFlip":
      return applyVerticalFlip(transform, geometry, random);
  }
}

/**
 * Changes the colours of `image` in place.
 * @param random - Seeded for the sample and the transform.
 */
export function applyColour(
  transform: ColourTransform,
  image: ResampleSource,
  kernels: Kernels,
  random: TransformRandom,
): void {
  if (transform.kind === "colorJitter") applyColorJitter(transform, image, kernels, random);
  else applyGrayscale(transform, image, kernels, random);
}

/** `[height, width]` after the transform, for an image of that size before; `undefined` where it differs by sample. */
export function sizeAfter(
  transform: Transform,
  before: readonly [height: number, width: number] | undefined,
): readonly [height: number, width: number] | undefined {
  if (transform.kind === "pad" && before !== undefined) {
    const [left, top, right, bottom] = transform.padding;
    return [before[0] + top + bottom, before[1] + left + right];
  }
  if (transform.kind === "resize" && transform.fit === "outside")
    return before === undefined ? undefined : resizedSize(transform, before[1], before[0]);
  return "height" in transform ? [transform.height, transform.width] : before;
}
