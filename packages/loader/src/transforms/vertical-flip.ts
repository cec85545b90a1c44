import { checkFraction } from "./fraction.js";
import type { Geometry } from "./geometry.js";
import type { TransformRandom } from "./transform-random.js";

/** A random image upside down; see {@link verticalFlip}. */
export interface VerticalFlip {
  readonly kind: "verticalFlip";
  /** How many of the samples are mirrored, from 0 to 1. */
  readonly fraction: number;
}

/**
 * Mirrors a `fraction` (default one half) of the samples, top to bottom; which ones changes with each epoch.
 * @throws {@link OptionError} for a fraction outside of 0 to 1.
 */
export function verticalFlip(options: { readonly fraction?: number | undefined } = {}): VerticalFlip {
  return { kind: "verticalFlip", fraction: checkFraction("verticalFlip", options.fraction ?? 0.5) };
}

/** Mirrors the image so far, or does not. */
export function applyVerticalFlip(transform: VerticalFlip, geometry: Geometry, random: TransformRandom): void {
  if (random.next() < transform.fraction) geometry.flipVertical = !geometry.flipVertical;
}
