// The horizontal pass: one output row from the int16 line. A sum is (level - 128) * 2^22; the weights sum to 2^14.

// 128 in sums: brings them back to levels from 0.
const CENTRE: i32 = 128 << 22;
const HALF: i32 = 1 << 21;
const MOST: i32 = 255 << 22;

// The sums of one RGB pixel in lanes 0 to 2: its source pixels in pairs, r0 r1 g0 g1 b0 b1 against w0 w1.
// @ts-ignore: decorator
@inline
function sumRgb(pixels: usize, weights: usize, pairs: i32): v128 {
  let sum = dotPair(pixels, weights);
  for (let p = 1; p < pairs; p++) {
    pixels += 12;
    weights += 4;
    sum = i32x4.add(sum, dotPair(pixels, weights));
  }
  return sum;
}

// @ts-ignore: decorator
@inline
function dotPair(pixels: usize, weights: usize): v128 {
  const v = v128.load(pixels);
  return i32x4.dot_i16x8_s(i16x8.shuffle(v, v, 0, 3, 1, 4, 2, 5, 6, 7), v128.load32_splat(weights));
}

// The sum of one grey pixel.
// @ts-ignore: decorator
@inline
function sumGrey(samples: usize, weights: usize, taps: i32): i32 {
  let sum = i32x4.dot_i16x8_s(v128.load(samples), v128.load(weights));
  for (let t = 8; t < taps; t += 8) {
    samples += 16;
    weights += 16;
    sum = i32x4.add(sum, i32x4.dot_i16x8_s(v128.load(samples), v128.load(weights)));
  }
  return (
    i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1) + i32x4.extract_lane(sum, 2) + i32x4.extract_lane(sum, 3)
  );
}

// @ts-ignore: decorator
@inline
function level(sum: i32): i32 {
  return max(0, min(255, (sum + (CENTRE + HALF)) >> 22));
}

/** One row of RGB bytes. `starts` are source columns, counted from the line's first. */
export function bytesRgb(
  line: usize,
  starts: usize,
  weights: usize,
  weightBytes: usize,
  taps: i32,
  output: usize,
  width: i32,
): void {
  const pairs = (taps + 1) >> 1;
  const bias = i32x4.splat(CENTRE + HALF);
  let x = 0;
  for (; x + 4 <= width; x += 4) {
    const a = sumRgb(line + <usize>load<u32>(starts) * 6, weights, pairs);
    const b = sumRgb(line + <usize>load<u32>(starts, 4) * 6, weights + weightBytes, pairs);
    const c = sumRgb(line + <usize>load<u32>(starts, 8) * 6, weights + 2 * weightBytes, pairs);
    const d = sumRgb(line + <usize>load<u32>(starts, 12) * 6, weights + 3 * weightBytes, pairs);
    const ab = i16x8.narrow_i32x4_s(i32x4.shr_s(i32x4.add(a, bias), 22), i32x4.shr_s(i32x4.add(b, bias), 22));
    const cd = i16x8.narrow_i32x4_s(i32x4.shr_s(i32x4.add(c, bias), 22), i32x4.shr_s(i32x4.add(d, bias), 22));
    const four = i8x16.narrow_i16x8_u(ab, cd);
    const packed = i8x16.shuffle(four, four, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15);
    v128.store64_lane(output, packed, 0);
    v128.store32_lane(output, packed, 2, 8);
    output += 12;
    starts += 16;
    weights += 4 * weightBytes;
  }
  for (; x < width; x++) {
    const sum = sumRgb(line + <usize>load<u32>(starts) * 6, weights, pairs);
    store<u8>(output, level(i32x4.extract_lane(sum, 0)));
    store<u8>(output, level(i32x4.extract_lane(sum, 1)), 1);
    store<u8>(output, level(i32x4.extract_lane(sum, 2)), 2);
    output += 3;
    starts += 4;
    weights += weightBytes;
  }
}

// One RGB pixel of float32; its fourth lane has no meaning.
// @ts-ignore: decorator
@inline
function floatsOf(sum: v128, scale: v128, shift: v128): v128 {
  const bounded = i32x4.min_s(i32x4.add(sum, i32x4.splat(CENTRE)), i32x4.splat(MOST));
  return f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(bounded), scale), shift);
}

/**
 * One row of RGB float32; `scale` has 2^-22 in it. Each pixel is stored with a fourth float32, which the next pixel
 * overwrites; the row's last pixel is stored without it, so nothing behind the row is touched.
 */
export function floatsRgb(
  line: usize,
  starts: usize,
  weights: usize,
  weightBytes: usize,
  taps: i32,
  output: usize,
  width: i32,
  scale: v128,
  shift: v128,
): void {
  const pairs = (taps + 1) >> 1;
  for (let x = 1; x < width; x++) {
    const sum = sumRgb(line + <usize>load<u32>(starts) * 6, weights, pairs);
    v128.store(output, floatsOf(sum, scale, shift));
    output += 12;
    starts += 4;
    weights += weightBytes;
  }
  const last = floatsOf(sumRgb(line + <usize>load<u32>(starts) * 6, weights, pairs), scale, shift);
  v128.store64_lane(output, last, 0);
  v128.store32_lane(output, last, 2, 8);
}

/** One row of grey bytes. */
export function bytesGrey(
  line: usize,
  starts: usize,
  weights: usize,
  weightBytes: usize,
  taps: i32,
  output: usize,
  width: i32,
): void {
  for (let x = 0; x < width; x++) {
    store<u8>(output + x, level(sumGrey(line + (<usize>load<u32>(starts) << 1), weights, taps)));
    starts += 4;
    weights += weightBytes;
  }
}

/** One row of grey float32; `scale` has 2^-22 in it. */
export function floatsGrey(
  line: usize,
  starts: usize,
  weights: usize,
  weightBytes: usize,
  taps: i32,
  output: usize,
  width: i32,
  scale: f32,
  shift: f32,
): void {
  for (let x = 0; x < width; x++) {
    const sum = sumGrey(line + (<usize>load<u32>(starts) << 1), weights, taps);
    store<f32>(output, <f32>min(sum + CENTRE, MOST) * scale + shift);
    output += 4;
    starts += 4;
    weights += weightBytes;
  }
}
