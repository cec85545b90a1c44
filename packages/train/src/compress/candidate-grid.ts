import type { CompressSetting } from "./compress-report.js";

/** The axes of a search, each from gentle to harsh. */
export interface CompressGrid {
  readonly filterShares: readonly number[];
  readonly sparsities: readonly number[];
  readonly bits: readonly number[];
}

/** True if `a` takes from a model at least as much as `b` in every way. */
export function isHarsher(a: CompressSetting, b: CompressSetting): boolean {
  return a.filterShare <= b.filterShare && a.sparsity >= b.sparsity && a.bits <= b.bits;
}

/** A setting as a sentence names it: `filters 0.5, sparsity 0.9, 5 bits`. */
export function settingText({ filterShare, sparsity, bits }: CompressSetting): string {
  return `filters ${filterShare}, sparsity ${sparsity}, ${bits} bits`;
}

/** The first of `lost` that is gentler than this setting, or the same; `undefined` if there is none. */
export function gentlerOf(setting: CompressSetting, lost: readonly CompressSetting[]): CompressSetting | undefined {
  return lost.find((other) => isHarsher(setting, other));
}

/** What {@link paretoFront} compares. */
export interface Comparable {
  readonly accuracy: number;
  readonly bytes: number;
}

/**
 * The models that are worth a look: no other one is smaller and at least as right, or as small and more right. In the order
 * in which they came.
 */
export function paretoFront<T extends Comparable>(models: readonly T[]): T[] {
  return models.filter(
    (model, index) =>
      !models.some((other, at) => {
        if (other.bytes > model.bytes || other.accuracy < model.accuracy) return false;
        // Of two that are equal the first stays.
        return other.bytes < model.bytes || other.accuracy > model.accuracy || at < index;
      }),
  );
}
