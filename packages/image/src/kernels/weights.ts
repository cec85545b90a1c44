/** The weights of one output sample sum to this: 14 bits after the point. */
export const WEIGHT_ONE = 16_384;

/** One axis of a resize: a stretch of the source onto so many outputs. */
export interface Axis {
  /** First edge of the stretch in source samples; may have a fraction. */
  readonly from: number;
  /** Length of the stretch in source samples; may have a fraction. */
  readonly length: number;
  /** Outputs. */
  readonly outputs: number;
  /** Mirrors the outputs. */
  readonly mirrored: boolean;
}

/** Where {@link writeWeights} writes: one entry of `starts` and `counts`, and `stride` of `weights`, for each output. */
export interface WeightTable {
  /** First source sample of each output, counted from the sample that holds the stretch's first edge, times `unit`. */
  readonly starts: Uint32Array;
  /** Source samples of each output, 1 or more. */
  readonly counts: Int32Array;
  /** Weights of each output, {@link WEIGHT_ONE} in all, then zeros. */
  readonly weights: Int16Array;
  /** What one source sample counts in `starts`. */
  readonly unit: number;
  /** Entries of `weights` for each output: {@link weightStride}. */
  readonly stride: number;
}

/**
 * Entries of a weight table for each output of an axis, a multiple of 8: more than the filter's support of
 * `2 * max(1, length / outputs)` can touch.
 */
export function weightStride(length: number, outputs: number): number {
  return Math.ceil((Math.ceil(2 * Math.max(1, length / outputs)) + 2) / 8) * 8;
}

/**
 * Writes the triangle filter's weights of an axis. Centres and support are those of Pillow's `BILINEAR`
 * (`precompute_coeffs` in its Resample.c): output `i` looks at `from + (i + 0.5) * scale` with a support of
 * `max(1, scale)`, so enlarging interpolates and reducing averages. Samples outside of the stretch count as absent, as
 * if the source had been cropped to it. Rounding keeps the running sum, so the weights of an output sum to exactly
 * {@link WEIGHT_ONE}.
 * @returns the most samples that any output has.
 */
export function writeWeights(axis: Axis, table: WeightTable): number {
  const { from, length, outputs } = axis;
  const { starts, counts, weights, stride } = table;
  const scale = length / outputs;
  const support = Math.max(1, scale);
  const slope = 1 / support;
  const low = Math.floor(from);
  const high = Math.max(low + 1, Math.ceil(from + length));
  let most = 0;
  weights.fill(0, 0, outputs * stride);
  for (let i = 0; i < outputs; i++) {
    const centre = from + (i + 0.5) * scale;
    const begin = Math.max(low, Math.floor(centre - support + 0.5));
    const end = Math.min(high, Math.floor(centre + support + 0.5));
    let total = 0;
    for (let s = begin; s < end; s++) total += Math.max(0, 1 - Math.abs((s - centre + 0.5) * slope));
    const unit = WEIGHT_ONE / total;
    const row = axis.mirrored ? outputs - 1 - i : i;
    let running = 0;
    let given = 0;
    let first = end;
    let count = 0;
    for (let s = begin; s < end; s++) {
      running += Math.max(0, 1 - Math.abs((s - centre + 0.5) * slope));
      const upTo = (running * unit + 0.5) | 0;
      const weight = upTo - given;
      given = upTo;
      if (weight === 0 && first === end) continue;
      if (first === end) first = s;
      weights[row * stride + s - first] = weight;
      if (weight !== 0) count = s - first + 1;
    }
    starts[row] = (first - low) * table.unit;
    counts[row] = count;
    if (count > most) most = count;
  }
  return most;
}
