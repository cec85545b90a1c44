import { BackendError } from "@millrace/formats";
import { backend_util } from "@tensorflow/tfjs-core";
import type { KernelCall } from "./kernel-call.js";

/** The numbers of a 2-D convolution, `[batch, height, width, channels]`, with its padding in pixels. */
export type ConvGeometry = backend_util.Conv2DInfo;

type Shape4D = [number, number, number, number];
type Size2D = number | [number, number];
type Padding = Parameters<typeof backend_util.computeConv2DInfo>[4];
type Rounding = Parameters<typeof backend_util.computeConv2DInfo>[5];

/**
 * Reads the attributes of a convolution's gradient.
 * @param inputShape - Of the convolution's input.
 * @param filterShape - `[height, width, in, out]`, or `[height, width, channels, multiplier]` if `depthwise`.
 * @throws {@link BackendError} for channels-first data, which the backend's convolution does not take either.
 */
export function convGeometry(
  call: KernelCall,
  inputShape: readonly number[],
  filterShape: readonly number[],
  depthwise = false,
): ConvGeometry {
  const format = (call.attribute("dataFormat") as string | undefined) ?? "NHWC";
  if (format !== "NHWC") {
    throw new BackendError({
      problem: "the wasm backend convolves images with their channels last only",
      expected: "NHWC",
      found: format,
      fix: "transpose the images",
    });
  }
  return backend_util.computeConv2DInfo(
    inputShape as Shape4D,
    filterShape as Shape4D,
    call.attribute("strides") as Size2D,
    (call.attribute("dilations") as Size2D | undefined) ?? 1,
    call.attribute("pad") as Padding,
    call.attribute("dimRoundingMode") as Rounding,
    depthwise,
  );
}

/** Height of the images with their padding, in pixels. */
export function paddedHeight(g: ConvGeometry): number {
  return g.inHeight + g.padInfo.top + g.padInfo.bottom;
}

/** Width of the images with their padding, in pixels. */
export function paddedWidth(g: ConvGeometry): number {
  return g.inWidth + g.padInfo.left + g.padInfo.right;
}

/** The sizes that the convolution's kernels take after the addresses. */
export function convSizes(g: ConvGeometry): number[] {
  const image = [g.batchSize, g.inHeight, g.inWidth, g.inChannels, g.outHeight, g.outWidth, g.outChannels];
  const filter = [g.filterHeight, g.filterWidth, g.strideHeight, g.strideWidth, g.padInfo.top, g.padInfo.left];
  return [...image, ...filter, paddedHeight(g), paddedWidth(g)];
}

/** The sizes that the depthwise kernels take after the addresses. */
export function depthwiseSizes(g: ConvGeometry): number[] {
  const image = [g.batchSize, g.inHeight, g.inWidth, g.inChannels, g.outChannels / g.inChannels];
  const filter = [g.filterHeight, g.filterWidth, g.strideHeight, g.strideWidth, g.padInfo.top, g.padInfo.left];
  return [...image, g.outHeight, g.outWidth, ...filter, g.dilationHeight, g.dilationWidth];
}
