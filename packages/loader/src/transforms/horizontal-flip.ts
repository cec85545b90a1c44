import { OptionError } from "@millrace/formats";
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
  const fraction = options.fraction ?? 0.5;
  if (fraction >= 0 && fraction <= 1) return { kind: "horizontalFlip", fraction };
  throw new OptionError({
    option: "transforms",
    problem: "horizontalFlip: the fraction is impossible",
    expected: "0 to 1",
    found: String(fraction),
  });
}

/** Mirrors the image so far, or does not. */
export function applyHorizontalFlip(transform: HorizontalFlip, geometry: Geometry, random: TransformRandom): void {
  if (random.next() < transform.fraction) geometry.flip = !geometry.flip;
}
