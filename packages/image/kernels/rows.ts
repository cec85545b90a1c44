// The vertical pass: one output row of int16 from a few source rows of uint8, without regard to channels.
// A sample of the row is (level - 128) * 256, rounded. Nothing outside of the source rows is read.

const ZERO: v128 = i8x16.splat(0);
const TOP_BIT: v128 = i8x16.splat(-128);

// (byte - 128) << 8 of bytes 0 to 7, as int16.
// @ts-ignore: decorator
@inline
function low(centred: v128): v128 {
  return i8x16.shuffle(ZERO, centred, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

// (byte - 128) << 8 of bytes 8 to 15, as int16.
// @ts-ignore: decorator
@inline
function high(centred: v128): v128 {
  return i8x16.shuffle(ZERO, centred, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

// @ts-ignore: decorator
@inline
function centre(source: usize): v128 {
  return v128.xor(v128.load(source), TOP_BIT);
}

// A weight of 14 bits, doubled to the 15 bits of q15mulr. 1.0 does not fit; it is alone in its output, so is copied.
// @ts-ignore: decorator
@inline
function splat(weights: usize): v128 {
  return i16x8.shl(v128.load16_splat(weights), 1);
}

// @ts-ignore: decorator
@inline
function put(line: usize, a: v128, b: v128): void {
  v128.store(line, a);
  v128.store(line, b, 16);
}

function copyRow(source: usize, line: usize, length: usize): void {
  const last = length - 16;
  for (let i: usize = 0; ; i = min(i + 16, last)) {
    const a = centre(source + i);
    put(line + (i << 1), low(a), high(a));
    if (i == last) break;
  }
}

function blend2(source: usize, stride: usize, line: usize, length: usize, weights: usize): void {
  const wa = splat(weights);
  const wb = splat(weights + 2);
  const last = length - 16;
  for (let i: usize = 0; ; i = min(i + 16, last)) {
    const a = centre(source + i);
    const b = centre(source + stride + i);
    put(
      line + (i << 1),
      i16x8.add(i16x8.q15mulr_sat_s(low(a), wa), i16x8.q15mulr_sat_s(low(b), wb)),
      i16x8.add(i16x8.q15mulr_sat_s(high(a), wa), i16x8.q15mulr_sat_s(high(b), wb)),
    );
    if (i == last) break;
  }
}

function blend3(source: usize, stride: usize, line: usize, length: usize, weights: usize): void {
  const wa = splat(weights);
  const wb = splat(weights + 2);
  const wc = splat(weights + 4);
  const second = source + stride;
  const third = second + stride;
  const last = length - 16;
  for (let i: usize = 0; ; i = min(i + 16, last)) {
    const a = centre(source + i);
    const b = centre(second + i);
    const c = centre(third + i);
    put(
      line + (i << 1),
      i16x8.add(
        i16x8.add(i16x8.q15mulr_sat_s(low(a), wa), i16x8.q15mulr_sat_s(low(b), wb)),
        i16x8.q15mulr_sat_s(low(c), wc),
      ),
      i16x8.add(
        i16x8.add(i16x8.q15mulr_sat_s(high(a), wa), i16x8.q15mulr_sat_s(high(b), wb)),
        i16x8.q15mulr_sat_s(high(c), wc),
      ),
    );
    if (i == last) break;
  }
}

// Up to 8 rows: 16-bit sums cannot overflow, see FEW in src/kernels/plain.ts.
function blendFew(source: usize, stride: usize, line: usize, length: usize, weights: usize, count: i32): void {
  const end = weights + (<usize>count << 1);
  const last = length - 16;
  for (let i: usize = 0; ; i = min(i + 16, last)) {
    let a = ZERO;
    let b = ZERO;
    let row = source + i;
    for (let w = weights; w < end; w += 2) {
      const v = centre(row);
      const weight = splat(w);
      a = i16x8.add(a, i16x8.q15mulr_sat_s(low(v), weight));
      b = i16x8.add(b, i16x8.q15mulr_sat_s(high(v), weight));
      row += stride;
    }
    put(line + (i << 1), a, b);
    if (i == last) break;
  }
}

// More rows: 32-bit sums of rows in pairs; an odd last row is paired with itself, whose second weight is 0.
function blendMany(source: usize, stride: usize, line: usize, length: usize, weights: usize, count: i32): void {
  const start = i32x4.splat(32 - (128 << 14));
  const last = length - 16;
  for (let i: usize = 0; ; i = min(i + 16, last)) {
    let s0 = start;
    let s1 = start;
    let s2 = start;
    let s3 = start;
    let row = source + i;
    for (let t = 0; t < count; t += 2) {
      const a = v128.load(row);
      const b = v128.load(t + 1 < count ? row + stride : row);
      const w = v128.load32_splat(weights + (<usize>t << 1));
      const lo = i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const hi = i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      s0 = i32x4.add(s0, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(lo), w));
      s1 = i32x4.add(s1, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(lo), w));
      s2 = i32x4.add(s2, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(hi), w));
      s3 = i32x4.add(s3, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(hi), w));
      row += stride << 1;
    }
    put(
      line + (i << 1),
      i16x8.narrow_i32x4_s(i32x4.shr_s(s0, 6), i32x4.shr_s(s1, 6)),
      i16x8.narrow_i32x4_s(i32x4.shr_s(s2, 6), i32x4.shr_s(s3, 6)),
    );
    if (i == last) break;
  }
}

// Rows of less than 16 bytes, with the same arithmetic.
function blendShort(source: usize, stride: usize, line: usize, length: usize, weights: usize, count: i32): void {
  for (let i: usize = 0; i < length; i++) {
    let sum: i32 = 0;
    for (let t = 0; t < count; t++) {
      const level = <i32>load<u8>(source + i + <usize>t * stride);
      const weight = <i32>load<i16>(weights + (<usize>t << 1));
      sum += count > 8 ? level * weight : (((level - 128) << 8) * (weight << 1) + 0x4000) >> 15;
    }
    if (count > 8) sum = (sum + 32 - (128 << 14)) >> 6;
    store<i16>(line + (i << 1), <i16>sum);
  }
}

/** Writes `length` int16 at `line`: the weighted sum of `count` rows of `length` bytes, `stride` bytes apart. */
export function blendRows(
  source: usize,
  stride: usize,
  line: usize,
  length: usize,
  weights: usize,
  count: i32,
): void {
  if (length < 16) blendShort(source, stride, line, length, weights, count);
  else if (count == 1) copyRow(source, line, length);
  else if (count == 2) blend2(source, stride, line, length, weights);
  else if (count == 3) blend3(source, stride, line, length, weights);
  else if (count <= 8) blendFew(source, stride, line, length, weights, count);
  else blendMany(source, stride, line, length, weights, count);
}
