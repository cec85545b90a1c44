import { checkOrder } from "./order-schema.js";
import type { BoundOrder, SequentialOrder } from "./order.js";

/**
 * Visits the samples by their number, the same way in every epoch: for validation and for export.
 * `seed` (default 0) is the key of the transforms' randomness only.
 * @throws {@link OptionError} for an impossible seed.
 */
export function sequential(options: { readonly seed?: number | undefined } = {}): SequentialOrder {
  return checkOrder({ kind: "sequential", seed: options.seed ?? 0 });
}

/** {@link sequential} over `length` samples. */
export function bindSequential(length: number): BoundOrder {
  return { length, repeats: false, at: (_epoch, position) => position };
}
