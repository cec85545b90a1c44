import { backend_util, type KernelConfig, MaxPoolGrad } from "@tensorflow/tfjs-core";
import { gradientModule } from "./gradient-module.js";
import { wasmKernel } from "./kernel-call.js";

type Size2D = number | [number, number];
type Padding = Parameters<typeof backend_util.computePool2DInfo>[4];
type Rounding = Parameters<typeof backend_util.computePool2DInfo>[5];

/**
 * The gradient of max pooling. Replaces the stock kernel, which drops the gradient of every window whose maximum is
 * negative. The first maximum of a window, row by row, takes its whole gradient.
 */
export const maxPoolGrad: KernelConfig = wasmKernel(MaxPoolGrad, (call) => {
  const x = call.input("input", "float32");
  const y = call.input("output", "float32");
  const dy = call.input("dy", "float32");
  const g = backend_util.computePool2DInfo(
    x.shape as [number, number, number, number],
    call.attribute("filterSize") as Size2D,
    call.attribute("strides") as Size2D,
    1,
    call.attribute("pad") as Padding,
    call.attribute("dimRoundingMode") as Rounding,
  );
  const dx = call.output(x.shape);
  const image = [g.batchSize, g.inHeight, g.inWidth, g.inChannels, g.outHeight, g.outWidth];
  const filter = [g.filterHeight, g.filterWidth, g.strideHeight, g.strideWidth, g.padInfo.top, g.padInfo.left];
  const [at, atMaxima, atGradient] = [x, y, dy].map((tensor) => call.address(tensor)) as [number, number, number];
  gradientModule(call.backend).maxPoolGradient(at, atMaxima, atGradient, call.address(dx), ...image, ...filter);
  return dx;
});
