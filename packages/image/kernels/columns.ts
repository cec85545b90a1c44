// The horizontal pass: one output row from the int16 line. A sum is a level times 2^21: levels of the line have seven
// bits after the point, the weights sum to 2^14. It never exceeds 255 * 2^21, so nothing is clamped.

const HALF: i32 = 1 << 20;

// Two source pixels of the line against two weights: r0 r1 g0 g1 b0 b1 (and lanes of no meaning) times w0 w1.
// @ts-ignore: decorator
@inline
function dot(first: v128, second: v128, weights: v128): v128 {
  return i32x4.dot_i16x8_s(i16x8.shuffle(first, second, 0, 8, 1, 9, 2, 10, 3, 11), weights);
}

// The sums of one RGB pixel in lanes 0 to 2. `pairs` is a constant where it is below 4, so the branches vanish.
// @ts-ignore: decorator
@inline
function sumRgb(p: usize, w: usize, pairs: i32): v128 {
  let sum = dot(v128.load(p), v128.load(p, 6), v128.load32_splat(w));
  if (pairs > 1) sum = i32x4.add(sum, dot(v128.load(p, 12), v128.load(p, 18), v128.load32_splat(w, 4)));
  if (pairs > 2) sum = i32x4.add(sum, dot(v128.load(p, 24), v128.load(p, 30), v128.load32_splat(w, 8)));
  if (pairs > 3) {
    for (let i = 3; i < pairs; i++) {
      sum = i32x4.add(sum, dot(v128.load(p, 36), v128.load(p, 42), v128.load32_splat(w, 12)));
      p += 12;
      w += 4;
    }
  }
  return sum;
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
  return (sum + HALF) >> 21;
}

// @ts-ignore: decorator
@inline
function bytesRow(line: usize, starts: usize, weights: usize, step: usize, pairs: i32, output: usize, width: i32): void {
  const bias = i32x4.splat(HALF);
  let x = 0;
  for (; x + 4 <= width; x += 4) {
    const a = i32x4.add(sumRgb(line + <usize>load<u32>(starts), weights, pairs), bias);
    weights += step;
    const b = i32x4.add(sumRgb(line + <usize>load<u32>(starts, 4), weights, pairs), bias);
    weights += step;
    const c = i32x4.add(sumRgb(line + <usize>load<u32>(starts, 8), weights, pairs), bias);
    weights += step;
    const d = i32x4.add(sumRgb(line + <usize>load<u32>(starts, 12), weights, pairs), bias);
    weights += step;
    const ab = i16x8.narrow_i32x4_s(i32x4.shr_s(a, 21), i32x4.shr_s(b, 21));
    const cd = i16x8.narrow_i32x4_s(i32x4.shr_s(c, 21), i32x4.shr_s(d, 21));
    const four = i8x16.narrow_i16x8_u(ab, cd);
    const packed = i8x16.shuffle(four, four, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15);
    v128.store64_lane(output, packed, 0);
    v128.store32_lane(output, packed, 2, 8);
    output += 12;
    starts += 16;
  }
  for (; x < width; x++) {
    const sum = sumRgb(line + <usize>load<u32>(starts), weights, pairs);
    store<u8>(output, level(i32x4.extract_lane(sum, 0)));
    store<u8>(output, level(i32x4.extract_lane(sum, 1)), 1);
    store<u8>(output, level(i32x4.extract_lane(sum, 2)), 2);
    output += 3;
    starts += 4;
    weights += step;
  }
}

/** One row of RGB bytes. `starts` are byte offsets in the line, one for each output pixel; `step` is bytes of weights. */
export function bytesRgb(
  line: usize,
  starts: usize,
  weights: usize,
  step: usize,
  taps: i32,
  output: usize,
  width: i32,
): void {
  const pairs = (taps + 1) >> 1;
  if (pairs == 1) bytesRow(line, starts, weights, step, 1, output, width);
  else if (pairs == 2) bytesRow(line, starts, weights, step, 2, output, width);
  else if (pairs == 3) bytesRow(line, starts, weights, step, 3, output, width);
  else bytesRow(line, starts, weights, step, pairs, output, width);
}

// One RGB pixel of float32; its fourth lane has no meaning.
// @ts-ignore: decorator
@inline
function floatsOf(sum: v128, scale: v128, shift: v128): v128 {
  return f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(sum), scale), shift);
}

// @ts-ignore: decorator
@inline
function floatsRow(
  line: usize,
  starts: usize,
  weights: usize,
  step: usize,
  pairs: i32,
  output: usize,
  width: i32,
  scale: v128,
  shift: v128,
): void {
  let x = 0;
  for (; x + 4 < width; x += 4) {
    v128.store(output, floatsOf(sumRgb(line + <usize>load<u32>(starts), weights, pairs), scale, shift));
    weights += step;
    v128.store(output, floatsOf(sumRgb(line + <usize>load<u32>(starts, 4), weights, pairs), scale, shift), 12);
    weights += step;
    v128.store(output, floatsOf(sumRgb(line + <usize>load<u32>(starts, 8), weights, pairs), scale, shift), 24);
    weights += step;
    v128.store(output, floatsOf(sumRgb(line + <usize>load<u32>(starts, 12), weights, pairs), scale, shift), 36);
    weights += step;
    output += 48;
    starts += 16;
  }
  for (; x < width; x++) {
    const pixel = floatsOf(sumRgb(line + <usize>load<u32>(starts), weights, pairs), scale, shift);
    v128.store64_lane(output, pixel, 0);
    v128.store32_lane(output, pixel, 2, 8);
    output += 12;
    starts += 4;
    weights += step;
  }
}

/**
 * One row of RGB float32; `scale` has 2^-21 in it. Pixels are stored with a fourth float32, which the next pixel
 * overwrites; the row's last pixels are stored without it, so nothing behind the row is touched.
 */
export function floatsRgb(
  line: usize,
  starts: usize,
  weights: usize,
  step: usize,
  taps: i32,
  output: usize,
  width: i32,
  scale: v128,
  shift: v128,
): void {
  const pairs = (taps + 1) >> 1;
  if (pairs == 1) floatsRow(line, starts, weights, step, 1, output, width, scale, shift);
  else if (pairs == 2) floatsRow(line, starts, weights, step, 2, output, width, scale, shift);
  else if (pairs == 3) floatsRow(line, starts, weights, step, 3, output, width, scale, shift);
  else floatsRow(line, starts, weights, step, pairs, output, width, scale, shift);
}

/** One row of grey bytes. */
export function bytesGrey(
  line: usize,
  starts: usize,
  weights: usize,
  step: usize,
  taps: i32,
  output: usize,
  width: i32,
): void {
  for (let x = 0; x < width; x++) {
    store<u8>(output + x, level(sumGrey(line + <usize>load<u32>(starts), weights, taps)));
    starts += 4;
    weights += step;
  }
}

/** One row of grey float32; `scale` has 2^-21 in it. */
export function floatsGrey(
  line: usize,
  starts: usize,
  weights: usize,
  step: usize,
  taps: i32,
  output: usize,
  width: i32,
  scale: f32,
  shift: f32,
): void {
  for (let x = 0; x < width; x++) {
    const sum = sumGrey(line + <usize>load<u32>(starts), weights, taps);
    store<f32>(output, <f32>sum * scale + shift);
    output += 4;
    starts += 4;
    weights += step;
  }
}
