import type { Kernels, ResampleSource } from "@millrace/image";
import { checkFraction } from "./fraction.js";
import type { TransformRandom } from "./transform-random.js";

/** Images without colour; see {@link grayscale}. */
export interface Grayscale {
  readonly kind: "grayscale";
  /** How many of the samples lose their colour, from 0 to 1. */
  readonly fraction: number;
}

/**
 * Takes the colour out of a `fraction` (default 1, all) of the samples, and keeps three equal channels:
 * torchvision's `Grayscale(3)`, or `RandomGrayscale` with a fraction. It works on uint8 pixels, so it stands before
 * {@link normalize}.
 * @throws {@link OptionError} for a fraction outside of 0 to 1.
 */
export function grayscale(options: { readonly fraction?: number | undefined } = {}): Grayscale {
  return { kind: "grayscale", fraction: checkFraction("grayscale", options.fraction ?? 1) };
}

/** Takes the colour out of `image` in place, or does not. */
export function applyGrayscale(
  transform: Grayscale,
  image: ResampleSource,
  kernels: Kernels,
  random: TransformRandom,
): void {
  if (random.next() < transform.fraction) kernels.grayscale(image);
}
