// Boxes of the output's size: rows are copied or become float32 or float16, may be mirrored, and their channels may
// come apart. No byte outside of them is read or written: the last pixels of a row are done with those before them.

import { blue, floats, green, halves, mirror0, mirror1, mirror2, red, reverse } from "./lanes";

// Longer rows are left to the engine's own copy, which needs some time to begin.
const LONG: usize = 4096;

// Sixteen levels, whose channels are those of the scales s0 s1 s2 s0 and the shifts.
// @ts-ignore: decorator
@inline
function put(o: usize, v: v128, element: i32, s0: v128, s1: v128, s2: v128, t0: v128, t1: v128, t2: v128): void {
  if (element == 1) {
    v128.store(o, v);
    return;
  }
  const a = f32x4.add(f32x4.mul(floats(v, 0), s0), t0);
  const b = f32x4.add(f32x4.mul(floats(v, 1), s1), t1);
  const c = f32x4.add(f32x4.mul(floats(v, 2), s2), t2);
  const d = f32x4.add(f32x4.mul(floats(v, 3), s0), t0);
  if (element == 2) {
    v128.store(o, i16x8.narrow_i32x4_u(halves(a), halves(b)));
    v128.store(o, i16x8.narrow_i32x4_u(halves(c), halves(d)), 16);
    return;
  }
  v128.store(o, a);
  v128.store(o, b, 16);
  v128.store(o, c, 32);
  v128.store(o, d, 48);
}

// One level, by the factors of its channel.
// @ts-ignore: decorator
@inline
function putOne(o: usize, level: u8, element: i32, factors: usize): void {
  if (element == 1) {
    store<u8>(o, level);
    return;
  }
  const value = <f32>level * load<f32>(factors) + load<f32>(factors, 16);
  if (element == 4) store<f32>(o, value);
  else store<u16>(o, <u16>i32x4.extract_lane(halves(f32x4.splat(value)), 0));
}

// Rows of less than 16 pixels. `step` is bytes from a pixel to the next one of the output.
function convertFew(
  source: usize,
  output: usize,
  step: usize,
  plane: usize,
  width: i32,
  channels: i32,
  flip: i32,
  element: i32,
  factors: usize,
): void {
  for (let x = 0; x < width; x++) {
    const from = source + <usize>((flip ? width - 1 - x : x) * channels);
    for (let c = 0; c < channels; c++)
      putOne(output + <usize>c * plane, load<u8>(from + c), element, factors + (<usize>c << 2));
    output += step;
  }
}

// `flip`, `element` and `planar` are constants, so that their branches vanish.
// @ts-ignore: decorator
@inline
function rgbRow(
  source: usize,
  output: usize,
  plane: usize,
  width: i32,
  flip: bool,
  element: i32,
  planar: bool,
  factors: usize,
): void {
  const s = v128.load(factors);
  const t = v128.load(factors, 16);
  const s0 = planar ? i32x4.shuffle(s, s, 0, 0, 0, 0) : i32x4.shuffle(s, s, 0, 1, 2, 0);
  const s1 = planar ? i32x4.shuffle(s, s, 1, 1, 1, 1) : i32x4.shuffle(s, s, 1, 2, 0, 1);
  const s2 = planar ? i32x4.shuffle(s, s, 2, 2, 2, 2) : i32x4.shuffle(s, s, 2, 0, 1, 2);
  const t0 = planar ? i32x4.shuffle(t, t, 0, 0, 0, 0) : i32x4.shuffle(t, t, 0, 1, 2, 0);
  const t1 = planar ? i32x4.shuffle(t, t, 1, 1, 1, 1) : i32x4.shuffle(t, t, 1, 2, 0, 1);
  const t2 = planar ? i32x4.shuffle(t, t, 2, 2, 2, 2) : i32x4.shuffle(t, t, 2, 0, 1, 2);
  const last = width - 16;
  for (let x = 0; ; x = min(x + 16, last)) {
    const from = source + <usize>((flip ? last - x : x) * 3);
    const a = v128.load(from);
    const b = v128.load(from, 16);
    const c = v128.load(from, 32);
    if (planar) {
      const o = output + <usize>(x * element);
      const r = red(a, b, c);
      const g = green(a, b, c);
      const l = blue(a, b, c);
      put(o, flip ? reverse(r) : r, element, s0, s0, s0, t0, t0, t0);
      put(o + plane, flip ? reverse(g) : g, element, s1, s1, s1, t1, t1, t1);
      put(o + 2 * plane, flip ? reverse(l) : l, element, s2, s2, s2, t2, t2, t2);
    } else {
      const o = output + <usize>(x * 3 * element);
      put(o, flip ? mirror0(b, c) : a, element, s0, s1, s2, t0, t1, t2);
      put(o + 16 * element, flip ? mirror1(a, b, c) : b, element, s1, s2, s0, t1, t2, t0);
      put(o + 32 * element, flip ? mirror2(a, b) : c, element, s2, s0, s1, t2, t0, t1);
    }
    if (x == last) break;
  }
}

// @ts-ignore: decorator
@inline
function greyRow(source: usize, output: usize, width: i32, flip: i32, element: i32, factors: usize): void {
  const s = v128.load32_splat(factors);
  const t = v128.load32_splat(factors, 16);
  const last = width - 16;
  for (let x = 0; ; x = min(x + 16, last)) {
    const v = v128.load(source + <usize>(flip ? last - x : x));
    put(output + <usize>(x * element), flip ? reverse(v) : v, element, s, s, s, t, t, t);
    if (x == last) break;
  }
}

function copyRow(source: usize, output: usize, length: usize): void {
  if (length < 16 || length > LONG) {
    memory.copy(output, source, length);
    return;
  }
  const last = length - 16;
  for (let i: usize = 0; ; i = min(i + 16, last)) {
    v128.store(output + i, v128.load(source + i));
    if (i == last) break;
  }
}

function convertGrey(source: usize, output: usize, width: i32, flip: i32, element: i32, factors: usize): void {
  if (element == 1) greyRow(source, output, width, flip, 1, factors);
  else if (element == 2) greyRow(source, output, width, flip, 2, factors);
  else greyRow(source, output, width, flip, 4, factors);
}

function convertPlanar(s: usize, o: usize, plane: usize, width: i32, flip: i32, element: i32, factors: usize): void {
  if (flip) {
    if (element == 1) rgbRow(s, o, plane, width, true, 1, true, factors);
    else if (element == 2) rgbRow(s, o, plane, width, true, 2, true, factors);
    else rgbRow(s, o, plane, width, true, 4, true, factors);
  } else if (element == 1) rgbRow(s, o, plane, width, false, 1, true, factors);
  else if (element == 2) rgbRow(s, o, plane, width, false, 2, true, factors);
  else rgbRow(s, o, plane, width, false, 4, true, factors);
}

function convertInterleaved(s: usize, o: usize, width: i32, flip: i32, element: i32, factors: usize): void {
  if (flip) {
    if (element == 1) rgbRow(s, o, 0, width, true, 1, false, factors);
    else if (element == 2) rgbRow(s, o, 0, width, true, 2, false, factors);
    else rgbRow(s, o, 0, width, true, 4, false, factors);
  } else if (element == 2) rgbRow(s, o, 0, width, false, 2, false, factors);
  else rgbRow(s, o, 0, width, false, 4, false, factors);
}

/**
 * One row of `width` pixels, as elements of 1 (uint8), 2 (float16) or 4 bytes (float32). `plane` is bytes from a
 * channel to the next one, or 0 if channels are interleaved. `factors`: four scales, then four shifts.
 */
export function convertRow(
  source: usize,
  output: usize,
  plane: usize,
  width: i32,
  channels: i32,
  flip: i32,
  element: i32,
  factors: usize,
): void {
  if (element == 1 && !flip && plane == 0) copyRow(source, output, <usize>(width * channels));
  else if (width < 16) {
    const step = plane == 0 ? channels * element : element;
    const apart = plane == 0 ? <usize>element : plane;
    convertFew(source, output, step, apart, width, channels, flip, element, factors);
  } else if (channels == 1) convertGrey(source, output, width, flip, element, factors);
  else if (plane != 0) convertPlanar(source, output, plane, width, flip, element, factors);
  else convertInterleaved(source, output, width, flip, element, factors);
}
