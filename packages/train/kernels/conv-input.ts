// Gradient of a 2-D convolution with respect to its input, over images [batch, height, width, channels].
//
//   dx[n][oy*strideH + fy][ox*strideW + fx][ci] += sum over co of dy[n][oy][ox][co] * w[fy][fx][ci][co]
//
// The pair (fx, ci) is one index r, as in conv-filter.ts: a filter row adds `run = filterW * inC` adjacent floats.
// A tile keeps 4 positions times 8 values of r in registers while it walks over the output channels.
// `panels` holds the filter turned for that walk, [filterH][ceil(run / 8)][outC][8], the last panel filled up with
// zeros. `scratch` is one padded image and 8 floats of room for the end of the last panel, whose surplus lanes are
// masked, so that they add zero even where dy is not finite.

function packPanels(w: usize, panels: usize, filterH: i32, run: i32, outC: i32): void {
  const numPanels = (run + 7) >> 3;
  for (let fy = 0; fy < filterH; fy++) {
    for (let p = 0; p < numPanels; p++) {
      const to = panels + (<usize>((fy * numPanels + p) * outC) << 5);
      for (let j = 0; j < 8; j++) {
        const r = (p << 3) + j;
        const from = w + (<usize>((fy * run + r) * outC) << 2);
        for (let co = 0; co < outC; co++)
          store<f32>(to + (<usize>co << 5) + (<usize>j << 2), r < run ? load<f32>(from + (<usize>co << 2)) : 0);
      }
    }
  }
}

@inline
function addMasked(at: usize, a: v128, b: v128, mask0: v128, mask1: v128): void {
  v128.store(at, f32x4.add(v128.load(at), v128.and(a, mask0)));
  v128.store(at, f32x4.add(v128.load(at, 16), v128.and(b, mask1)), 16);
}

// `count` positions (1 to 4) of one output row.
@inline
function tile(
  count: i32, dy: usize, outC: i32, panel: usize, dx: usize, dxStepBytes: usize, mask0: v128, mask1: v128,
): void {
  const zero = f32x4.splat(0);
  const next = <usize>outC << 2;
  let a0 = zero, a1 = zero, a2 = zero, a3 = zero;
  let b0 = zero, b1 = zero, b2 = zero, b3 = zero;
  let at = dy;
  let pw = panel;
  const end = panel + (<usize>outC << 5);
  const dy1 = next, dy2 = next * 2, dy3 = next * 3;
  while (pw < end) {
    const w0 = v128.load(pw), w1 = v128.load(pw, 16);
    const s0 = v128.load32_splat(at);
    a0 = f32x4.add(a0, f32x4.mul(s0, w0));
    b0 = f32x4.add(b0, f32x4.mul(s0, w1));
    if (count > 1) {
      const s1 = v128.load32_splat(at + dy1);
      a1 = f32x4.add(a1, f32x4.mul(s1, w0));
      b1 = f32x4.add(b1, f32x4.mul(s1, w1));
    }
    if (count > 2) {
      const s2 = v128.load32_splat(at + dy2);
      a2 = f32x4.add(a2, f32x4.mul(s2, w0));
      b2 = f32x4.add(b2, f32x4.mul(s2, w1));
    }
    if (count > 3) {
      const s3 = v128.load32_splat(at + dy3);
      a3 = f32x4.add(a3, f32x4.mul(s3, w0));
      b3 = f32x4.add(b3, f32x4.mul(s3, w1));
    }
    at += 4;
    pw += 32;
  }
  addMasked(dx, a0, b0, mask0, mask1);
  if (count > 1) addMasked(dx + dxStepBytes, a1, b1, mask0, mask1);
  if (count > 2) addMasked(dx + 2 * dxStepBytes, a2, b2, mask0, mask1);
  if (count > 3) addMasked(dx + 3 * dxStepBytes, a3, b3, mask0, mask1);
}

// One output row times one panel.
function row(
  dy: usize, outW: i32, outC: i32, panel: usize, dx: usize, dxStepBytes: usize, mask0: v128, mask1: v128,
): void {
  const dyStepBytes = <usize>outC << 2;
  let ox = 0;
  for (; ox + 4 <= outW; ox += 4)
    tile(4, dy + <usize>ox * dyStepBytes, outC, panel, dx + <usize>ox * dxStepBytes, dxStepBytes, mask0, mask1);
  const from = dy + <usize>ox * dyStepBytes, to = dx + <usize>ox * dxStepBytes;
  if (outW - ox == 3) tile(3, from, outC, panel, to, dxStepBytes, mask0, mask1);
  else if (outW - ox == 2) tile(2, from, outC, panel, to, dxStepBytes, mask0, mask1);
  else if (outW - ox == 1) tile(1, from, outC, panel, to, dxStepBytes, mask0, mask1);
}

// `panels`: filterH * ceil(run / 8) * 8 * outC floats. `scratch`: paddedH * paddedW * inC + 8 floats.
export function convInputGradient(
  dy: usize, w: usize, dx: usize, panels: usize, scratch: usize,
  batch: i32, inH: i32, inW: i32, inC: i32,
  outH: i32, outW: i32, outC: i32,
  filterH: i32, filterW: i32, strideH: i32, strideW: i32,
  padTop: i32, padLeft: i32, paddedH: i32, paddedW: i32,
): void {
  const run = filterW * inC;
  const numPanels = (run + 7) >> 3;
  const rowBytes = <usize>(paddedW * inC) << 2;
  const inRowBytes = <usize>(inW * inC) << 2;
  const outRowBytes = <usize>(outW * outC) << 2;
  const dxStepBytes = <usize>(strideW * inC) << 2;
  const full = i32x4.splat(-1);
  const left = i32x4.splat(run - ((numPanels - 1) << 3));
  const last0 = i32x4.lt_s(i32x4(0, 1, 2, 3), left), last1 = i32x4.lt_s(i32x4(4, 5, 6, 7), left);
  packPanels(w, panels, filterH, run, outC);
  for (let n = 0; n < batch; n++) {
    memory.fill(scratch, 0, <usize>paddedH * rowBytes + 32);
    for (let fy = 0; fy < filterH; fy++) {
      for (let p = 0; p < numPanels; p++) {
        const panel = panels + (<usize>((fy * numPanels + p) * outC) << 5);
        const isLast = p == numPanels - 1;
        const mask0 = isLast ? last0 : full, mask1 = isLast ? last1 : full;
        for (let oy = 0; oy < outH; oy++) {
          const from = dy + <usize>(n * outH + oy) * outRowBytes;
          const to = scratch + <usize>(oy * strideH + fy) * rowBytes + (<usize>p << 5);
          row(from, outW, outC, panel, to, dxStepBytes, mask0, mask1);
        }
      }
    }
    const inner = scratch + <usize>padTop * rowBytes + (<usize>(padLeft * inC) << 2);
    const image = dx + <usize>(n * inH) * inRowBytes;
    for (let iy = 0; iy < inH; iy++) memory.copy(image + <usize>iy * inRowBytes, inner + <usize>iy * rowBytes, inRowBytes);
  }
}
