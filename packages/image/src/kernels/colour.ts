import { OptionError } from "@millrace/formats/shard";
import type { ResampleSource } from "./job.js";

/**
 * Changes of colour in place, on uint8 `[height, width, channels]` in the kernels' memory. They give the levels of
 * `torchvision.transforms.functional` on a uint8 tensor: blended in float32, clamped, cut off to whole levels.
 * All of them throw an OptionError for an image that does not lie in the memory, or a factor that cannot be.
 */
export interface ColourKernels {
  /** `adjust_brightness`: each level times `factor`, 0 or more. */
  brightness(image: ResampleSource, factor: number): void;
  /** `adjust_contrast`: blends with the mean of the grey levels; `factor` is 0 (flat) or more, 1 changes nothing. */
  contrast(image: ResampleSource, factor: number): void;
  /** `adjust_saturation`: blends with the grey image; `factor` is 0 (grey) or more. A grey image stays as it is. */
  saturation(image: ResampleSource, factor: number): void;
  /** `adjust_hue`: turns the hue by `shift` of a full circle, -0.5 to 0.5. A grey image stays as it is. */
  hue(image: ResampleSource, shift: number): void;
  /** `rgb_to_grayscale` to three equal channels. A grey image stays as it is. */
  grayscale(image: ResampleSource): void;
}

/** Weights of red, green and blue in a grey level (torchvision's `rgb_to_grayscale`, after ITU-R BT.601). */
export const GREY_WEIGHTS: readonly [number, number, number] = [0.2989, 0.587, 0.114];

/** What a float32 level in 0..1 is multiplied by to become a uint8 (torchvision's `convert_image_dtype`). */
export const TO_LEVEL: number = 255 + 1 - 1e-3;

/** Refuses a factor that is not a number of `least` to `most`. */
export function checkFactor(option: string, factor: number, least: number, most: number): void {
  if (factor >= least && factor <= most && Number.isFinite(Math.fround(factor))) return;
  throw new OptionError({
    option,
    problem: "is not possible",
    expected: most === Number.POSITIVE_INFINITY ? `a finite number from ${least}` : `a number from ${least} to ${most}`,
    found: String(factor),
  });
}
