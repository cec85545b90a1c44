import { checkFraction } from "./fraction.js";
import type { Geometry } from "./geometry.js";
import type { TransformRandom } from "./transform-random.js";

/** A random mirror image; see {@link horizontalFlip}. */
export interface HorizontalFlip {
  readonly kind: "horizontalFlip";
  /** How many of the samples are mirrored, from 0 to 1. */
  readonly fraction: number;
}

/**
 * Mirrors a `fraction` (default one half) of the samples, left to right; which ones changes with each epoch.
 * @throws {@link OptionError} for a fraction outside of 0 to 1.
 */
export function horizontalFlip(options: { readonly fraction?: number | undefined } = {}): HorizontalFlip {
  return { kind: "horizontalFlip", fraction: checkFraction("horizontalFlip", options.fraction ?? 0.5) };
}

/** Mirrors the image so far, or does not. */
export function applyHorizontalFlip(transform: HorizontalFlip, geometry: Geometry, random: TransformRandom): void {
  if (random.next() < transform.fraction) geometry.flip = !geometry.flip;
}
