import { DepthwiseConv2dNativeBackpropFilter, type KernelConfig } from "@tensorflow/tfjs-core";
import { convGeometry, depthwiseSizes } from "./conv-geometry.js";
import { gradientModule } from "./gradient-module.js";
import { wasmKernel } from "./kernel-call.js";

/** The gradient of a depthwise convolution with respect to its filter, which the stock backend lacks. */
export const depthwiseBackpropFilter: KernelConfig = wasmKernel(DepthwiseConv2dNativeBackpropFilter, (call) => {
  const x = call.input("x", "float32");
  const dy = call.input("dy", "float32");
  const filterShape = call.attribute("filterShape") as number[];
  const g = convGeometry(call, x.shape, filterShape, true);
  const dw = call.output(filterShape);
  const kernels = gradientModule(call.backend);
  kernels.depthwiseFilterGradient(call.address(x), call.address(dy), call.address(dw), ...depthwiseSizes(g));
  return dw;
});
