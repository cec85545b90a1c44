// Turns the hue in place: torchvision's `_rgb2hsv` and `_hsv2rgb`, step by step in float32.

import { BLUE, channel, GREEN, loadFour, RED, storeFour } from "./colour";

// @ts-ignore: decorator
@inline
function either(mask: v128, yes: v128, no: v128): v128 {
  return v128.bitselect(yes, no, mask);
}

// Hue in 0..1, from levels in 0..1, their largest, and its distance from the smallest.
// @ts-ignore: decorator
@inline
function hueOf(r: v128, g: v128, b: v128, most: v128, range: v128, isGrey: v128): v128 {
  const divisor = either(isGrey, f32x4.splat(1), range);
  const rc = f32x4.div(f32x4.sub(most, r), divisor);
  const gc = f32x4.div(f32x4.sub(most, g), divisor);
  const bc = f32x4.div(f32x4.sub(most, b), divisor);
  const ifRed = f32x4.sub(bc, gc);
  const ifGreen = f32x4.sub(f32x4.add(f32x4.splat(2), rc), bc);
  const ifBlue = f32x4.sub(f32x4.add(f32x4.splat(4), gc), rc);
  const sixths = either(f32x4.eq(most, r), ifRed, either(f32x4.eq(most, g), ifGreen, ifBlue));
  const turns = f32x4.add(f32x4.div(sixths, f32x4.splat(6)), f32x4.splat(1));
  return f32x4.sub(turns, f32x4.trunc(turns));
}

// A value in 0..1 as a level. (Rounding does not take it out of this range.)
// @ts-ignore: decorator
@inline
function levelOf(value: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.mul(value, f32x4.splat(255.999)));
}

// @ts-ignore: decorator
@inline
function turnFour(at: usize, shift: v128): void {
  const pixels = loadFour(at);
  const one = f32x4.splat(1);
  const r = f32x4.div(channel(pixels, RED), f32x4.splat(255));
  const g = f32x4.div(channel(pixels, GREEN), f32x4.splat(255));
  const b = f32x4.div(channel(pixels, BLUE), f32x4.splat(255));
  const v = f32x4.pmax(f32x4.pmax(r, g), b);
  const range = f32x4.sub(v, f32x4.pmin(f32x4.pmin(r, g), b));
  const isGrey = f32x4.eq(range, f32x4.splat(0));
  const s = f32x4.div(range, either(isGrey, one, v));
  const turned = f32x4.add(hueOf(r, g, b, v, range, isGrey), shift);
  const rest = f32x4.sub(turned, f32x4.trunc(turned));
  const hue = f32x4.add(rest, v128.and(f32x4.lt(rest, f32x4.splat(0)), one));
  const sixths = f32x4.mul(hue, f32x4.splat(6));
  const floor = f32x4.floor(sixths);
  const f = f32x4.sub(sixths, floor);
  const top = levelOf(v);
  const p = levelOf(f32x4.mul(v, f32x4.sub(one, s)));
  const q = levelOf(f32x4.mul(v, f32x4.sub(one, f32x4.mul(s, f))));
  const t = levelOf(f32x4.mul(v, f32x4.sub(one, f32x4.mul(s, f32x4.sub(one, f)))));
  // Sector 6 is sector 0: then f is 0, and t is p.
  const is1 = f32x4.eq(floor, one);
  const is2 = f32x4.eq(floor, f32x4.splat(2));
  const is3 = f32x4.eq(floor, f32x4.splat(3));
  const is4 = f32x4.eq(floor, f32x4.splat(4));
  const is5 = f32x4.eq(floor, f32x4.splat(5));
  const is0 = v128.or(f32x4.lt(floor, one), f32x4.eq(floor, f32x4.splat(6)));
  const red = either(is1, q, either(v128.or(is2, is3), p, either(is4, t, top)));
  const green = either(is0, t, either(v128.or(is1, is2), top, either(is3, q, p)));
  const blue = either(is2, t, either(v128.or(is3, is4), top, either(is5, q, p)));
  storeFour(at, red, green, blue);
}

/** Turns the hue of RGB pixels by `shift` of a circle, -0.5 to 0.5. `block` has room for 16 bytes. */
export function turnRun(at: usize, pixels: usize, shift: f32, block: usize): void {
  const s = f32x4.splat(shift);
  const end = at + pixels * 3;
  for (; at + 12 <= end; at += 12) turnFour(at, s);
  memory.copy(block, at, end - at);
  turnFour(block, s);
  memory.copy(at, block, end - at);
}
