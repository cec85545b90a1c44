import { Conv2DBackpropFilter, type KernelConfig } from "@tensorflow/tfjs-core";
import { convGeometry, convSizes, paddedHeight, paddedWidth } from "./conv-geometry.js";
import { gradientModule } from "./gradient-module.js";
import { wasmKernel } from "./kernel-call.js";

/** The gradient of a convolution with respect to its filter, which the stock backend lacks. Any stride and padding. */
export const conv2dBackpropFilter: KernelConfig = wasmKernel(Conv2DBackpropFilter, (call) => {
  const x = call.input("x", "float32");
  const dy = call.input("dy", "float32");
  const filterShape = call.attribute("filterShape") as number[];
  const g = convGeometry(call, x.shape, filterShape);
  const { top, bottom, left, right } = g.padInfo;
  const isPadded = top + bottom + left + right > 0;
  const dw = call.output(filterShape);
  const scratch = isPadded ? call.scratch(paddedHeight(g) * paddedWidth(g) * g.inChannels) : 0;
  const kernels = gradientModule(call.backend);
  kernels.convFilterGradient(call.address(x), call.address(dy), call.address(dw), scratch, ...convSizes(g));
  return dw;
});
