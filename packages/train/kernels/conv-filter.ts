// Gradient of a 2-D convolution with respect to its filter, over images [batch, height, width, channels].
//
//   dw[fy][fx][ci][co] = sum over n, oy, ox of x[n][oy*strideH + fy][ox*strideW + fx][ci] * dy[n][oy][ox][co]
//
// A filter row of `run = filterW * inC` values reads `run` adjacent floats of x, so the pair (fx, ci) is one index r.
// A tile keeps 4 values of r times 8 output channels in registers while it walks over all positions of one image.
// Padding is made real first, in `scratch` (one padded image), so no position needs a bounds check.

import { loadPart, storePart } from "./lanes";

// Accumulates one tile of `rows` filter values (1 to 4) and 8 output channels (wide) or `part` of them (1 to 4).
@inline
function tile(
  rows: i32, wide: bool, part: i32,
  x: usize, xRowBytes: usize, xStepBytes: usize,
  dy: usize, outH: i32, outW: i32, dyStepBytes: usize,
  dw: usize,
): void {
  const zero = f32x4.splat(0);
  let a0 = zero, a1 = zero, a2 = zero, a3 = zero;
  let b0 = zero, b1 = zero, b2 = zero, b3 = zero;
  for (let oy = 0; oy < outH; oy++) {
    let px = x + <usize>oy * xRowBytes;
    let py = dy + <usize>oy * <usize>outW * dyStepBytes;
    for (let ox = 0; ox < outW; ox++) {
      const g0 = wide ? v128.load(py) : loadPart(py, part);
      const g1 = wide ? v128.load(py, 16) : zero;
      const s0 = v128.load32_splat(px);
      a0 = f32x4.add(a0, f32x4.mul(s0, g0));
      if (wide) b0 = f32x4.add(b0, f32x4.mul(s0, g1));
      if (rows > 1) {
        const s1 = v128.load32_splat(px, 4);
        a1 = f32x4.add(a1, f32x4.mul(s1, g0));
        if (wide) b1 = f32x4.add(b1, f32x4.mul(s1, g1));
      }
      if (rows > 2) {
        const s2 = v128.load32_splat(px, 8);
        a2 = f32x4.add(a2, f32x4.mul(s2, g0));
        if (wide) b2 = f32x4.add(b2, f32x4.mul(s2, g1));
      }
      if (rows > 3) {
        const s3 = v128.load32_splat(px, 12);
        a3 = f32x4.add(a3, f32x4.mul(s3, g0));
        if (wide) b3 = f32x4.add(b3, f32x4.mul(s3, g1));
      }
      px += xStepBytes;
      py += dyStepBytes;
    }
  }
  addRow(dw, wide, part, a0, b0);
  if (rows > 1) addRow(dw + dyStepBytes, wide, part, a1, b1);
  if (rows > 2) addRow(dw + 2 * dyStepBytes, wide, part, a2, b2);
  if (rows > 3) addRow(dw + 3 * dyStepBytes, wide, part, a3, b3);
}

@inline
function addRow(at: usize, wide: bool, part: i32, a: v128, b: v128): void {
  if (wide) {
    v128.store(at, f32x4.add(v128.load(at), a));
    v128.store(at, f32x4.add(v128.load(at, 16), b), 16);
  } else {
    storePart(at, part, f32x4.add(loadPart(at, part), a));
  }
}

// All output channels for `rows` filter values.
@inline
function strip(
  rows: i32,
  x: usize, xRowBytes: usize, xStepBytes: usize,
  dy: usize, outH: i32, outW: i32, outC: i32,
  dw: usize,
): void {
  const dyStepBytes = <usize>outC << 2;
  let co = 0;
  for (; co + 8 <= outC; co += 8) {
    const at = <usize>co << 2;
    tile(rows, true, 4, x, xRowBytes, xStepBytes, dy + at, outH, outW, dyStepBytes, dw + at);
  }
  for (; co < outC; co += 4) {
    const at = <usize>co << 2;
    const part = min(4, outC - co);
    tile(rows, false, part, x, xRowBytes, xStepBytes, dy + at, outH, outW, dyStepBytes, dw + at);
  }
}

// `scratch` holds (inH + padTop + padBottom) * (inW + padLeft + padRight) * inC floats, or is 0 where nothing is padded.
export function convFilterGradient(
  x: usize, dy: usize, dw: usize, scratch: usize,
  batch: i32, inH: i32, inW: i32, inC: i32,
  outH: i32, outW: i32, outC: i32,
  filterH: i32, filterW: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, paddedH: i32, paddedW: i32,
): void {
  const run = filterW * inC;
  const rowBytes = <usize>(paddedW * inC) << 2;
  const inRowBytes = <usize>(inW * inC) << 2;
  const imageBytes = <usize>inH * inRowBytes;
  const outBytes = <usize>(outH * outW * outC) << 2;
  const dwRowBytes = <usize>outC << 2;
  const xRowBytes = <usize>strideH * rowBytes;
  const xStepBytes = <usize>(strideW * inC) << 2;
  memory.fill(dw, 0, <usize>(filterH * run) * dwRowBytes);
  if (scratch != 0) memory.fill(scratch, 0, <usize>paddedH * rowBytes);
  for (let n = 0; n < batch; n++) {
    let image = x + <usize>n * imageBytes;
    if (scratch != 0) {
      const inner = scratch + <usize>padTop * rowBytes + (<usize>(padLeft * inC) << 2);
      for (let iy = 0; iy < inH; iy++) memory.copy(inner + <usize>iy * rowBytes, image + <usize>iy * inRowBytes, inRowBytes);
      image = scratch;
    }
    const grad = dy + <usize>n * outBytes;
    for (let fy = 0; fy < filterH; fy++) {
      const line = image + <usize>fy * rowBytes;
      const target = dw + <usize>(fy * run) * dwRowBytes;
      let r = 0;
      for (; r + 4 <= run; r += 4)
        strip(4, line + (<usize>r << 2), xRowBytes, xStepBytes, grad, outH, outW, outC, target + <usize>r * dwRowBytes);
      const px = line + (<usize>r << 2), to = target + <usize>r * dwRowBytes;
      if (run - r == 3) strip(3, px, xRowBytes, xStepBytes, grad, outH, outW, outC, to);
      else if (run - r == 2) strip(2, px, xRowBytes, xStepBytes, grad, outH, outW, outC, to);
      else if (run - r == 1) strip(1, px, xRowBytes, xStepBytes, grad, outH, outW, outC, to);
    }
  }
}
