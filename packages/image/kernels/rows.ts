// The vertical pass: one line of int16 from a few source rows of uint8, without regard to channels. A sample of the
// line is a level times 128: the exact sum of level * weight, whose weights sum to 2^14, rounded to seven bits less.
// Nothing outside of the source rows is read.

const ZERO: v128 = i8x16.splat(0);
// Half of the seven bits.
const HALF: i32 = 64;

// Bytes 0 to 7 of two rows in turn: a0 b0 a1 b1 …
// @ts-ignore: decorator
@inline
function low(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

// Bytes 8 to 15 of two rows in turn.
// @ts-ignore: decorator
@inline
function high(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

// Four sums of two rows: the first half of the eight pairs of bytes in `ab`. (x64 has no cheaper way than a shuffle
// with zeros, and multiplies and adds pairs of int16 in one instruction.)
// @ts-ignore: decorator
@inline
function first(ab: v128, weights: v128): v128 {
  return i32x4.dot_i16x8_s(low(ab, ZERO), weights);
}

// The second half.
// @ts-ignore: decorator
@inline
function second(ab: v128, weights: v128): v128 {
  return i32x4.dot_i16x8_s(high(ab, ZERO), weights);
}

// @ts-ignore: decorator
@inline
function put(line: usize, s0: v128, s1: v128, s2: v128, s3: v128): void {
  v128.store(line, i16x8.narrow_i32x4_s(i32x4.shr_s(s0, 7), i32x4.shr_s(s1, 7)));
  v128.store(line, i16x8.narrow_i32x4_s(i32x4.shr_s(s2, 7), i32x4.shr_s(s3, 7)), 16);
}

function copyRow(source: usize, line: usize, length: usize): void {
  const last = length - 16;
  for (let i: usize = 0; ; i = min(i + 16, last)) {
    const v = v128.load(source + i);
    const at = line + (i << 1);
    v128.store(at, i16x8.shl(low(v, ZERO), 7));
    v128.store(at, i16x8.shl(high(v, ZERO), 7), 16);
    if (i == last) break;
  }
}

function blendPair(a: usize, b: usize, line: usize, length: usize, weights: usize): void {
  const w = v128.load32_splat(weights);
  const half = i32x4.splat(HALF);
  const last = length - 16;
  for (let i: usize = 0; ; i = min(i + 16, last)) {
    const va = v128.load(a + i);
    const vb = v128.load(b + i);
    const lo = low(va, vb);
    const hi = high(va, vb);
    put(
      line + (i << 1),
      i32x4.add(first(lo, w), half),
      i32x4.add(second(lo, w), half),
      i32x4.add(first(hi, w), half),
      i32x4.add(second(hi, w), half),
    );
    if (i == last) break;
  }
}

function blendTwoPairs(a: usize, b: usize, c: usize, d: usize, line: usize, length: usize, weights: usize): void {
  const w = v128.load32_splat(weights);
  const x = v128.load32_splat(weights, 4);
  const half = i32x4.splat(HALF);
  const last = length - 16;
  for (let i: usize = 0; ; i = min(i + 16, last)) {
    const va = v128.load(a + i);
    const vb = v128.load(b + i);
    const vc = v128.load(c + i);
    const vd = v128.load(d + i);
    const lo = low(va, vb);
    const hi = high(va, vb);
    const lp = low(vc, vd);
    const hp = high(vc, vd);
    put(
      line + (i << 1),
      i32x4.add(i32x4.add(first(lo, w), first(lp, x)), half),
      i32x4.add(i32x4.add(second(lo, w), second(lp, x)), half),
      i32x4.add(i32x4.add(first(hi, w), first(hp, x)), half),
      i32x4.add(i32x4.add(second(hi, w), second(hp, x)), half),
    );
    if (i == last) break;
  }
}

// An odd last row is paired with itself, whose second weight is 0.
function blendPairs(source: usize, stride: usize, line: usize, length: usize, weights: usize, count: i32): void {
  const half = i32x4.splat(HALF);
  const even = weights + (<usize>(count >> 1) << 2);
  const last = length - 16;
  for (let i: usize = 0; ; i = min(i + 16, last)) {
    let s0 = half;
    let s1 = half;
    let s2 = half;
    let s3 = half;
    let row = source + i;
    for (let w = weights; w < even; w += 4) {
      const a = v128.load(row);
      row += stride;
      const b = v128.load(row);
      row += stride;
      const both = v128.load32_splat(w);
      const lo = low(a, b);
      const hi = high(a, b);
      s0 = i32x4.add(s0, first(lo, both));
      s1 = i32x4.add(s1, second(lo, both));
      s2 = i32x4.add(s2, first(hi, both));
      s3 = i32x4.add(s3, second(hi, both));
    }
    if (count & 1) {
      const a = v128.load(row);
      const one = v128.load32_splat(even);
      const lo = low(a, a);
      const hi = high(a, a);
      s0 = i32x4.add(s0, first(lo, one));
      s1 = i32x4.add(s1, second(lo, one));
      s2 = i32x4.add(s2, first(hi, one));
      s3 = i32x4.add(s3, second(hi, one));
    }
    put(line + (i << 1), s0, s1, s2, s3);
    if (i == last) break;
  }
}

// Rows of less than 16 bytes.
function blendShort(source: usize, stride: usize, line: usize, length: usize, weights: usize, count: i32): void {
  for (let i: usize = 0; i < length; i++) {
    let sum = HALF;
    for (let t = 0; t < count; t++)
      sum += <i32>load<u8>(source + i + <usize>t * stride) * <i32>load<i16>(weights + (<usize>t << 1));
    store<i16>(line + (i << 1), <i16>(sum >> 7));
  }
}

/** Writes `length` int16 at `line`: the weighted sum of `count` rows of `length` bytes, `stride` bytes apart. */
export function blendRows(source: usize, stride: usize, line: usize, length: usize, weights: usize, count: i32): void {
  const third = source + 2 * stride;
  if (length < 16) blendShort(source, stride, line, length, weights, count);
  else if (count == 1) copyRow(source, line, length);
  else if (count == 2) blendPair(source, source + stride, line, length, weights);
  else if (count == 3) blendTwoPairs(source, source + stride, third, third, line, length, weights);
  else if (count == 4) blendTwoPairs(source, source + stride, third, third + stride, line, length, weights);
  else blendPairs(source, stride, line, length, weights, count);
}
