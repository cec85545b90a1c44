// Gradient of max pooling over images [batch, height, width, channels]: each window's dy goes to its first maximum,
// row by row. A window without one (all NaN) gives it to its first pixel, so a NaN never turns into a silent zero.

@inline
function windowPart(
  wide: bool, x: usize, y: usize, dy: usize, dx: usize, height: i32, width: i32, rowBytes: usize, stepBytes: usize,
): void {
  const top = wide ? v128.load(y) : v128.load32_zero(y);
  const grad = wide ? v128.load(dy) : v128.load32_zero(dy);
  let pending = i32x4.splat(-1);
  for (let fy = 0; fy < height; fy++) {
    let at = <usize>fy * rowBytes;
    for (let fx = 0; fx < width; fx++) {
      const value = wide ? v128.load(x + at) : v128.load32_zero(x + at);
      const hit = v128.and(f32x4.eq(value, top), pending);
      pending = v128.andnot(pending, hit);
      const share = v128.and(grad, hit);
      if (wide) v128.store(dx + at, f32x4.add(v128.load(dx + at), share));
      else store<f32>(dx + at, load<f32>(dx + at) + f32x4.extract_lane(share, 0));
      at += stepBytes;
    }
  }
  if (wide) {
    if (v128.any_true(pending)) v128.store(dx, f32x4.add(v128.load(dx), v128.and(grad, pending)));
  } else if (i32x4.extract_lane(pending, 0) != 0) {
    store<f32>(dx, load<f32>(dx) + load<f32>(dy));
  }
}

export function maxPoolGradient(
  x: usize, y: usize, dy: usize, dx: usize,
  batch: i32, inH: i32, inW: i32, channels: i32, outH: i32, outW: i32,
  filterH: i32, filterW: i32, strideH: i32, strideW: i32, padTop: i32, padLeft: i32,
): void {
  const stepBytes = <usize>channels << 2;
  const rowBytes = <usize>inW * stepBytes;
  memory.fill(dx, 0, <usize>(batch * inH) * rowBytes);
  let out: usize = 0;
  for (let n = 0; n < batch; n++) {
    for (let oy = 0; oy < outH; oy++) {
      const top = oy * strideH - padTop;
      const y0 = max(top, 0), height = min(top + filterH, inH) - y0;
      for (let ox = 0; ox < outW; ox++) {
        const left = ox * strideW - padLeft;
        const x0 = max(left, 0), width = min(left + filterW, inW) - x0;
        const at = <usize>(n * inH + y0) * rowBytes + <usize>x0 * stepBytes;
        if (height > 0 && width > 0) {
          let c = 0;
          for (; c + 4 <= channels; c += 4) {
            const lane = <usize>c << 2;
            windowPart(true, x + at + lane, y + out + lane, dy + out + lane, dx + at + lane, height, width, rowBytes, stepBytes);
          }
          for (; c < channels; c++) {
            const lane = <usize>c << 2;
            windowPart(false, x + at + lane, y + out + lane, dy + out + lane, dx + at + lane, height, width, rowBytes, stepBytes);
          }
        }
        out += stepBytes;
      }
    }
  }
}
