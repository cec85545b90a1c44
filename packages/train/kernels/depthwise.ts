// Gradients of a depthwise convolution, over images [batch, height, width, channels] and a filter
// [filterH][filterW][channels][multiplier]; output channel c * multiplier + q comes from input channel c.
// With multiplier 1, which is what networks use, four channels go at once; otherwise one at a time.

// First output position whose tap lies inside, and one past the last: oy * stride + tap - pad in [0, size).
@inline
function firstInside(tap: i32, pad: i32, stride: i32): i32 {
  return max(0, (pad - tap + stride - 1) / stride);
}

@inline
function endInside(tap: i32, pad: i32, stride: i32, size: i32, out: i32): i32 {
  const room = size - 1 + pad - tap;
  return room < 0 ? 0 : min(out, room / stride + 1);
}

export function depthwiseFilterGradient(
  x: usize, dy: usize, dw: usize,
  batch: i32, inH: i32, inW: i32, channels: i32, multiplier: i32, outH: i32, outW: i32,
  filterH: i32, filterW: i32, strideH: i32, strideW: i32, padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32,
): void {
  const outC = channels * multiplier;
  memory.fill(dw, 0, <usize>(filterH * filterW * outC) << 2);
  for (let n = 0; n < batch; n++) {
    for (let fy = 0; fy < filterH; fy++) {
      const y0 = firstInside(fy * dilationH, padTop, strideH), y1 = endInside(fy * dilationH, padTop, strideH, inH, outH);
      for (let fx = 0; fx < filterW; fx++) {
        const x0 = firstInside(fx * dilationW, padLeft, strideW), x1 = endInside(fx * dilationW, padLeft, strideW, inW, outW);
        const tap = dw + (<usize>((fy * filterW + fx) * outC) << 2);
        for (let oy = y0; oy < y1; oy++) {
          const iy = oy * strideH + fy * dilationH - padTop;
          for (let ox = x0; ox < x1; ox++) {
            const ix = ox * strideW + fx * dilationW - padLeft;
            const px = x + (<usize>(((n * inH + iy) * inW + ix) * channels) << 2);
            const py = dy + (<usize>(((n * outH + oy) * outW + ox) * outC) << 2);
            let k = 0;
            if (multiplier == 1) {
              for (; k + 4 <= outC; k += 4) {
                const lane = <usize>k << 2;
                v128.store(tap + lane, f32x4.add(v128.load(tap + lane), f32x4.mul(v128.load(px + lane), v128.load(py + lane))));
              }
            }
            for (; k < outC; k++) {
              const lane = <usize>k << 2, from = px + (<usize>(k / multiplier) << 2);
              store<f32>(tap + lane, load<f32>(tap + lane) + load<f32>(from) * load<f32>(py + lane));
            }
          }
        }
      }
    }
  }
}

export function depthwiseInputGradient(
  dy: usize, w: usize, dx: usize,
  batch: i32, inH: i32, inW: i32, channels: i32, multiplier: i32, outH: i32, outW: i32,
  filterH: i32, filterW: i32, strideH: i32, strideW: i32, padTop: i32, padLeft: i32, dilationH: i32, dilationW: i32,
): void {
  const outC = channels * multiplier;
  memory.fill(dx, 0, <usize>(batch * inH * inW * channels) << 2);
  for (let n = 0; n < batch; n++) {
    for (let fy = 0; fy < filterH; fy++) {
      const y0 = firstInside(fy * dilationH, padTop, strideH), y1 = endInside(fy * dilationH, padTop, strideH, inH, outH);
      for (let fx = 0; fx < filterW; fx++) {
        const x0 = firstInside(fx * dilationW, padLeft, strideW), x1 = endInside(fx * dilationW, padLeft, strideW, inW, outW);
        const tap = w + (<usize>((fy * filterW + fx) * outC) << 2);
        for (let oy = y0; oy < y1; oy++) {
          const iy = oy * strideH + fy * dilationH - padTop;
          for (let ox = x0; ox < x1; ox++) {
            const ix = ox * strideW + fx * dilationW - padLeft;
            const px = dx + (<usize>(((n * inH + iy) * inW + ix) * channels) << 2);
            const py = dy + (<usize>(((n * outH + oy) * outW + ox) * outC) << 2);
            let k = 0;
            if (multiplier == 1) {
              for (; k + 4 <= outC; k += 4) {
                const lane = <usize>k << 2;
                v128.store(px + lane, f32x4.add(v128.load(px + lane), f32x4.mul(v128.load(tap + lane), v128.load(py + lane))));
              }
            }
            for (; k < outC; k++) {
              const lane = <usize>k << 2, to = px + (<usize>(k / multiplier) << 2);
              store<f32>(to, load<f32>(to) + load<f32>(tap + lane) * load<f32>(py + lane));
            }
          }
        }
      }
    }
  }
}
