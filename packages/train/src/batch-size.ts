/**
 * How many samples a batch says it holds: the first number of its `shape`, where it has one, as a tensor does, whose
 * `size` counts elements; else its `size`. `undefined` where that is no whole number above 0.
 */
export function batchSizeOf(batch: unknown): number | undefined {
  const { shape, size } = (batch ?? {}) as { readonly shape?: unknown; readonly size?: unknown };
  const samples: unknown = isShape(shape) ? shape[0] : size;
  return Number.isSafeInteger(samples) && (samples as number) > 0 ? (samples as number) : undefined;
}

function isShape(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((length) => typeof length === "number");
}
