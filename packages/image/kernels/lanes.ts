// Parts of vectors: bytes to float32, float32 to float16, channels apart, pixels in reverse.

const QUARTER_0: v128 = i8x16(0, -1, -1, -1, 1, -1, -1, -1, 2, -1, -1, -1, 3, -1, -1, -1);
const QUARTER_1: v128 = i8x16(4, -1, -1, -1, 5, -1, -1, -1, 6, -1, -1, -1, 7, -1, -1, -1);
const QUARTER_2: v128 = i8x16(8, -1, -1, -1, 9, -1, -1, -1, 10, -1, -1, -1, 11, -1, -1, -1);
const QUARTER_3: v128 = i8x16(12, -1, -1, -1, 13, -1, -1, -1, 14, -1, -1, -1, 15, -1, -1, -1);

// Four of sixteen bytes as float32. (A constant swizzle, where -1 gives zero, is one instruction on x64 and on arm64.)
// @ts-ignore: decorator
@inline
export function floats(bytes: v128, quarter: i32): v128 {
  let lanes: v128;
  if (quarter == 0) lanes = i8x16.swizzle(bytes, QUARTER_0);
  else if (quarter == 1) lanes = i8x16.swizzle(bytes, QUARTER_1);
  else if (quarter == 2) lanes = i8x16.swizzle(bytes, QUARTER_2);
  else lanes = i8x16.swizzle(bytes, QUARTER_3);
  return f32x4.convert_i32x4_s(lanes);
}

// The bits of the nearest float16, ties to even, in the lower half of each lane (Giesen's float_to_half_fast3_rtne).
// 2^16 and above is infinite: the cut at 2^16 becomes just that. No lane is NaN.
// @ts-ignore: decorator
@inline
export function halves(values: v128): v128 {
  const sign = v128.and(values, i32x4.splat(0x80000000));
  const magnitude = i32x4.min_s(v128.xor(values, sign), i32x4.splat(0x47800000));
  const odd = v128.and(i32x4.shr_u(magnitude, 13), i32x4.splat(1));
  const normal = i32x4.shr_u(i32x4.add(i32x4.add(magnitude, odd), i32x4.splat(0xfff - 0x38000000)), 13);
  // The lowest bits of the sum are the subnormal, rounded by the addition.
  const subnormal = i32x4.sub(f32x4.add(magnitude, f32x4.splat(0.5)), i32x4.splat(0x3f000000));
  const isSubnormal = i32x4.lt_s(magnitude, i32x4.splat(0x38800000));
  return v128.or(i32x4.shr_u(sign, 16), v128.bitselect(subnormal, normal, isSubnormal));
}

// The red, green or blue bytes of 16 RGB pixels, which lie in three vectors. (V8 builds the mask of a shuffle anew each
// time, but keeps that of a constant swizzle in a register.)
// @ts-ignore: decorator
@inline
export function red(a: v128, b: v128, c: v128): v128 {
  return v128.or(
    v128.or(
      i8x16.swizzle(a, i8x16(0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1)),
      i8x16.swizzle(b, i8x16(-1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14, -1, -1, -1, -1, -1)),
    ),
    i8x16.swizzle(c, i8x16(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 4, 7, 10, 13)),
  );
}

// @ts-ignore: decorator
@inline
export function green(a: v128, b: v128, c: v128): v128 {
  return v128.or(
    v128.or(
      i8x16.swizzle(a, i8x16(1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1)),
      i8x16.swizzle(b, i8x16(-1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1)),
    ),
    i8x16.swizzle(c, i8x16(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14)),
  );
}

// @ts-ignore: decorator
@inline
export function blue(a: v128, b: v128, c: v128): v128 {
  return v128.or(
    v128.or(
      i8x16.swizzle(a, i8x16(2, 5, 8, 11, 14, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1)),
      i8x16.swizzle(b, i8x16(-1, -1, -1, -1, -1, 1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1)),
    ),
    i8x16.swizzle(c, i8x16(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15)),
  );
}

// Sixteen bytes in reverse.
// @ts-ignore: decorator
@inline
export function reverse(v: v128): v128 {
  return i8x16.swizzle(v, i8x16(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
}

// The first, second and third vector of 16 RGB pixels in reverse.
// @ts-ignore: decorator
@inline
export function mirror0(b: v128, c: v128): v128 {
  return v128.or(
    i8x16.swizzle(b, i8x16(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 14)),
    i8x16.swizzle(c, i8x16(13, 14, 15, 10, 11, 12, 7, 8, 9, 4, 5, 6, 1, 2, 3, -1)),
  );
}

// @ts-ignore: decorator
@inline
export function mirror1(a: v128, b: v128, c: v128): v128 {
  return v128.or(
    v128.or(
      i8x16.swizzle(a, i8x16(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 15, -1)),
      i8x16.swizzle(b, i8x16(15, -1, 11, 12, 13, 8, 9, 10, 5, 6, 7, 2, 3, 4, -1, 0)),
    ),
    i8x16.swizzle(c, i8x16(-1, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1)),
  );
}

// @ts-ignore: decorator
@inline
export function mirror2(a: v128, b: v128): v128 {
  return v128.or(
    i8x16.swizzle(a, i8x16(-1, 12, 13, 14, 9, 10, 11, 6, 7, 8, 3, 4, 5, 0, 1, 2)),
    i8x16.swizzle(b, i8x16(1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1)),
  );
}
