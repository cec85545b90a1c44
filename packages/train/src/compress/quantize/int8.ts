import { elementsOf } from "@millrace/formats";
import type { Int8Weights } from "./quantized-tensor.js";

/** The largest finite float32. */
const MAX_FLOAT32 = 3.4028234663852886e38;

/** The grid that weights are rounded to: `(level - zeroPoint) * scale`. */
export interface Grid {
  readonly scale: number;
  /** 0 for a symmetric grid. */
  readonly zeroPoint: number;
}

/** How {@link quantizeInt8} chooses its grids. */
export interface Int8Options {
  /** Levels -127 to 127 about 0; otherwise -128 to 127 from the least to the greatest weight. */
  readonly symmetric: boolean;
  /** The axis that has a grid for each index; `undefined`: one grid. */
  readonly axis: number | undefined;
}

/**
 * Rounds weights to levels of 8 bits: Jacob et al., "Quantization and Training of Neural Networks for Efficient
 * Integer-Arithmetic-Only Inference" (2018), section 2.1. Zeros stay exactly zero. No weight moves by more than half a
 * scale (and the rounding of float32).
 * @param data - Finite numbers, row-major.
 */
export function quantizeInt8(
  name: string,
  shape: readonly number[],
  data: Float32Array,
  { symmetric, axis }: Int8Options,
): Int8Weights {
  const channels = axis === undefined ? 1 : (shape[axis] as number);
  const inner = axis === undefined ? data.length : elementsOf(shape.slice(axis + 1));
  const grids = ranges(data, channels, inner).map(({ min, max }) =>
    symmetric ? symmetricGrid(Math.max(-min, max)) : affineGrid(min, max),
  );
  const least = symmetric ? -127 : -128;
  const levels = new Int8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const { scale, zeroPoint } = grids[channelOf(i, channels, inner)] as Grid;
    const level = Math.round((data[i] as number) / scale) + zeroPoint;
    levels[i] = Math.max(least, Math.min(127, level));
  }
  const base = {
    kind: "int8",
    name,
    shape,
    data: levels,
    scales: Float32Array.from(grids, (grid) => grid.scale),
  } as const;
  return {
    ...base,
    ...(symmetric ? {} : { zeroPoints: Int8Array.from(grids, (grid) => grid.zeroPoint) }),
    ...(axis === undefined ? {} : { axis }),
  };
}

/** The weights that {@link quantizeInt8} left. */
export function dequantizeInt8({ shape, data, scales, zeroPoints, axis }: Int8Weights): Float32Array {
  const channels = axis === undefined ? 1 : (shape[axis] as number);
  const inner = axis === undefined ? data.length : elementsOf(shape.slice(axis + 1));
  const numbers = new Float32Array(data.length);
  for (let i = 0; i < numbers.length; i++) {
    const channel = channelOf(i, channels, inner);
    const value = ((data[i] as number) - (zeroPoints?.[channel] ?? 0)) * (scales[channel] as number);
    // The outermost point of a grid of huge weights may lie beyond float32.
    numbers[i] = Math.max(-MAX_FLOAT32, Math.min(MAX_FLOAT32, value));
  }
  return numbers;
}

/** The channel of element `i`, where channels repeat every `channels * inner` elements. */
export function channelOf(i: number, channels: number, inner: number): number {
  return channels === 1 ? 0 : Math.floor(i / inner) % channels;
}

/** The grid of weights whose magnitudes reach `max`. */
export function symmetricGrid(max: number): Grid {
  return { scale: scaleOf(max, 127), zeroPoint: 0 };
}

/** The grid of weights from `min` to `max`, which is widened to take 0 in: 0 is one of its points. */
export function affineGrid(min: number, max: number): Grid {
  const low = Math.min(0, min);
  const scale = scaleOf(Math.max(0, max) - low, 255);
  return { scale, zeroPoint: Math.max(-128, Math.min(127, Math.round(-128 - low / scale))) };
}

/** A float32 of which `steps` reach over `range`; 1 where all is zero. */
function scaleOf(range: number, steps: number): number {
  if (range === 0) return 1;
  const scale = Math.fround(range / steps);
  if (scale * steps >= range) return scale;
  return nextAbove(scale);
}

const word = new Float32Array(1);
const bits = new Uint32Array(word.buffer);

/** The next float32 after one from 0 up. */
function nextAbove(value: number): number {
  word[0] = value;
  bits[0] = (bits[0] as number) + 1;
  return word[0];
}

function ranges(data: Float32Array, channels: number, inner: number): { min: number; max: number }[] {
  const min = new Float64Array(channels);
  const max = new Float64Array(channels);
  for (let i = 0; i < data.length; i++) {
    const channel = channelOf(i, channels, inner);
    const value = data[i] as number;
    if (value < (min[channel] as number)) min[channel] = value;
    if (value > (max[channel] as number)) max[channel] = value;
  }
  return Array.from(min, (low, channel) => ({ min: low, max: max[channel] as number }));
}
