import { Conv2DBackpropInput, type KernelConfig } from "@tensorflow/tfjs-core";
import { convGeometry, convSizes, paddedHeight, paddedWidth } from "./conv-geometry.js";
import { gradientModule } from "./gradient-module.js";
import { wasmKernel } from "./kernel-call.js";

/** The gradient of a convolution with respect to its input. Replaces the stock kernel, which is about 8 times slower. */
export const conv2dBackpropInput: KernelConfig = wasmKernel(Conv2DBackpropInput, (call) => {
  const dy = call.input("dy", "float32");
  const filter = call.input("filter", "float32");
  const inputShape = call.attribute("inputShape") as number[];
  const g = convGeometry(call, inputShape, filter.shape);
  const dx = call.output(inputShape);
  const panels = call.scratch(g.filterHeight * Math.ceil((g.filterWidth * g.inChannels) / 8) * 8 * g.outChannels);
  const scratch = call.scratch(paddedHeight(g) * paddedWidth(g) * g.inChannels + 8);
  const kernels = gradientModule(call.backend);
  kernels.convInputGradient(call.address(dy), call.address(filter), call.address(dx), panels, scratch, ...convSizes(g));
  return dx;
});
