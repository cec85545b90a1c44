// Changes of colour in place, step by step as torchvision does them in float32. Four RGB pixels are 12 bytes; what is
// left of a run is done in a block of its own.

import { floats } from "./lanes";

export const RED: v128 = i8x16(0, -1, -1, -1, 3, -1, -1, -1, 6, -1, -1, -1, 9, -1, -1, -1);
export const GREEN: v128 = i8x16(1, -1, -1, -1, 4, -1, -1, -1, 7, -1, -1, -1, 10, -1, -1, -1);
export const BLUE: v128 = i8x16(2, -1, -1, -1, 5, -1, -1, -1, 8, -1, -1, -1, 11, -1, -1, -1);

// @ts-ignore: decorator
@inline
export function loadFour(at: usize): v128 {
  return v128.load32_lane(at, v128.load64_zero(at), 2, 8);
}

// Levels of three channels as int32, each in 0 to 255, to four pixels.
// @ts-ignore: decorator
@inline
export function storeFour(at: usize, r: v128, g: v128, b: v128): void {
  const pixels = v128.or(v128.or(r, i32x4.shl(g, 8)), i32x4.shl(b, 16));
  const packed = i8x16.swizzle(pixels, i8x16(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1));
  v128.store64_lane(at, packed, 0);
  v128.store32_lane(at, packed, 2, 8);
}

// @ts-ignore: decorator
@inline
export function channel(pixels: v128, which: v128): v128 {
  return f32x4.convert_i32x4_s(i8x16.swizzle(pixels, which));
}

// @ts-ignore: decorator
@inline
function greyOf(r: v128, g: v128, b: v128): v128 {
  const rg = f32x4.add(f32x4.mul(f32x4.splat(0.2989), r), f32x4.mul(f32x4.splat(0.587), g));
  return f32x4.trunc(f32x4.add(rg, f32x4.mul(f32x4.splat(0.114), b)));
}

// A float32 that was clamped to 0..255, cut off to an int32.
// @ts-ignore: decorator
@inline
function levelOf(value: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.pmin(f32x4.splat(255), f32x4.pmax(f32x4.splat(0), value)));
}

// @ts-ignore: decorator
@inline
function mix(level: v128, ratio: v128, other: v128): v128 {
  return levelOf(f32x4.add(f32x4.mul(ratio, level), other));
}

// @ts-ignore: decorator
@inline
function saturateFour(at: usize, ratio: v128, rest: v128): void {
  const pixels = loadFour(at);
  const r = channel(pixels, RED);
  const g = channel(pixels, GREEN);
  const b = channel(pixels, BLUE);
  const other = f32x4.mul(rest, greyOf(r, g, b));
  storeFour(at, mix(r, ratio, other), mix(g, ratio, other), mix(b, ratio, other));
}

/** Blends RGB pixels with their grey: `ratio` of the one, `rest` of the other. `block` has room for 16 bytes. */
export function saturateRun(at: usize, pixels: usize, ratio: f32, rest: f32, block: usize): void {
  const a = f32x4.splat(ratio);
  const b = f32x4.splat(rest);
  const end = at + pixels * 3;
  for (; at + 12 <= end; at += 12) saturateFour(at, a, b);
  memory.copy(block, at, end - at);
  saturateFour(block, a, b);
  memory.copy(at, block, end - at);
}

// @ts-ignore: decorator
@inline
function greyFour(at: usize): void {
  const pixels = loadFour(at);
  const grey = i32x4.trunc_sat_f32x4_s(greyOf(channel(pixels, RED), channel(pixels, GREEN), channel(pixels, BLUE)));
  storeFour(at, grey, grey, grey);
}

/** Makes RGB pixels grey. */
export function greyRun(at: usize, pixels: usize, block: usize): void {
  const end = at + pixels * 3;
  for (; at + 12 <= end; at += 12) greyFour(at);
  memory.copy(block, at, end - at);
  greyFour(block);
  memory.copy(at, block, end - at);
}

// @ts-ignore: decorator
@inline
function total(sums: v128): i64 {
  return (
    <i64>i32x4.extract_lane(sums, 0) +
    <i64>i32x4.extract_lane(sums, 1) +
    <i64>i32x4.extract_lane(sums, 2) +
    <i64>i32x4.extract_lane(sums, 3)
  );
}

/** Sum of the grey levels of RGB pixels. */
export function sumGreyRun(at: usize, pixels: usize, block: usize): f64 {
  const end = at + pixels * 3;
  let sum: i64 = 0;
  while (at + 12 <= end) {
    // A lane stays below 2^28.
    const stop = min(end, at + 12 * (1 << 20));
    let sums = i32x4.splat(0);
    for (; at + 12 <= stop; at += 12) {
      const four = loadFour(at);
      const grey = greyOf(channel(four, RED), channel(four, GREEN), channel(four, BLUE));
      sums = i32x4.add(sums, i32x4.trunc_sat_f32x4_s(grey));
    }
    sum += total(sums);
  }
  v128.store(block, i32x4.splat(0));
  memory.copy(block, at, end - at);
  const rest = loadFour(block);
  const grey = greyOf(channel(rest, RED), channel(rest, GREEN), channel(rest, BLUE));
  return <f64>(sum + total(i32x4.trunc_sat_f32x4_s(grey)));
}

/** Sum of `length` bytes. */
export function sumRun(at: usize, length: usize): f64 {
  const end = at + length;
  let sum: i64 = 0;
  while (at + 16 <= end) {
    // A lane grows by at most 1020 for each step.
    const stop = min(end, at + 16 * (1 << 20));
    let sums = i32x4.splat(0);
    for (; at + 16 <= stop; at += 16) {
      const pairs = i16x8.extadd_pairwise_i8x16_u(v128.load(at));
      sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(pairs));
    }
    sum += total(sums);
  }
  for (; at < end; at++) sum += load<u8>(at);
  return <f64>sum;
}

// @ts-ignore: decorator
@inline
function blendSixteen(at: usize, ratio: v128, other: v128): void {
  const v = v128.load(at);
  const a = mix(floats(v, 0), ratio, other);
  const b = mix(floats(v, 1), ratio, other);
  const c = mix(floats(v, 2), ratio, other);
  const d = mix(floats(v, 3), ratio, other);
  v128.store(at, i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
}

/** Blends levels with one value, which is `other` already multiplied: level * ratio + other. */
export function blendRun(at: usize, length: usize, ratio: f32, other: f32, block: usize): void {
  const a = f32x4.splat(ratio);
  const b = f32x4.splat(other);
  const end = at + length;
  for (; at + 16 <= end; at += 16) blendSixteen(at, a, b);
  memory.copy(block, at, end - at);
  blendSixteen(block, a, b);
  memory.copy(at, block, end - at);
}
