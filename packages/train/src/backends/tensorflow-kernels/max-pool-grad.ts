import {
  backend_util,
  concat,
  equal,
  type KernelConfig,
  logicalAnd,
  logicalNot,
  logicalOr,
  MaxPoolGrad,
  reshape,
  slice,
  type Tensor,
  type Tensor4D,
  tidy,
  where,
  zerosLike,
} from "@tensorflow/tfjs-core";
import type { NativeBackend } from "./native-operation.js";

type Size2D = number | [number, number];
type Padding = Parameters<typeof backend_util.computePool2DInfo>[4];
type Rounding = Parameters<typeof backend_util.computePool2DInfo>[5];

/**
 * The gradient of max pooling over windows of 2 x 2 that do not overlap, made of whole-tensor operations: on a CPU
 * TensorFlow's own kernel, to which everything else is left, takes about three times as long. The first maximum of a
 * window, row by row, takes its whole gradient, as there.
 */
export function maxPoolGrad(stock: KernelConfig): KernelConfig {
  return {
    ...stock,
    kernelName: MaxPoolGrad,
    kernelFunc: (call) => {
      const { dy, input, output } = call.inputs as { dy: Tensor4D; input: Tensor4D; output: Tensor4D };
      const pool = backend_util.computePool2DInfo(
        input.shape,
        call.attrs?.["filterSize"] as Size2D,
        call.attrs?.["strides"] as Size2D,
        1,
        call.attrs?.["pad"] as Padding,
        call.attrs?.["dimRoundingMode"] as Rounding,
      );
      const isGpu = (call.backend as NativeBackend).isUsingGpuDevice;
      if (isGpu || input.dtype !== "float32" || !isTiling(pool)) return stock.kernelFunc(call);
      return spread(input, output, dy);
    },
  };
}

/** True where windows of 2 x 2 cover the images once, without padding. */
function isTiling(pool: backend_util.Conv2DInfo): boolean {
  const { filterHeight, filterWidth, strideHeight, strideWidth, inHeight, inWidth, outHeight, outWidth } = pool;
  const isTwo = [filterHeight, filterWidth, strideHeight, strideWidth].every((size) => size === 2);
  return isTwo && inHeight === 2 * outHeight && inWidth === 2 * outWidth && pool.batchSize * pool.inChannels > 0;
}

/** Works on rows of windows: a pixel row holds the left and the right pixel of each window side by side. */
function spread(input: Tensor4D, output: Tensor4D, dy: Tensor4D): Tensor {
  return tidy(() => {
    const [batch, outHeight, outWidth, channels] = output.shape;
    const rows = batch * outHeight;
    const pixels = reshape(input, [rows, 2, outWidth, 2 * channels]);
    const maxima = reshape(output, [rows, 1, outWidth, channels]);
    const gradient = reshape(dy, [rows, 1, outWidth, channels]);
    const nothing = zerosLike(gradient);
    const isMaximum = (row: number, column: number) =>
      equal(slice(pixels, [0, row, 0, column * channels], [rows, 1, outWidth, channels]), maxima);
    const first = isMaximum(0, 0);
    const second = isMaximum(0, 1);
    const third = isMaximum(1, 0);
    const inRow = logicalOr(first, second);
    const takers = [
      first,
      logicalAnd(second, logicalNot(first)),
      logicalAnd(third, logicalNot(inRow)),
      logicalAnd(isMaximum(1, 1), logicalNot(logicalOr(inRow, third))),
    ].map((taker) => where(taker, gradient, nothing));
    const [topLeft, topRight, bottomLeft, bottomRight] = takers as [Tensor, Tensor, Tensor, Tensor];
    const spreadRows = concat([concat([topLeft, topRight], 3), concat([bottomLeft, bottomRight], 3)], 1);
    return reshape(spreadRows, input.shape);
  });
}
