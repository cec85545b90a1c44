import { DepthwiseConv2dNativeBackpropInput, type KernelConfig } from "@tensorflow/tfjs-core";
import { convGeometry, depthwiseSizes } from "./conv-geometry.js";
import { gradientModule } from "./gradient-module.js";
import { wasmKernel } from "./kernel-call.js";

/** The gradient of a depthwise convolution with respect to its input, which the stock backend lacks. */
export const depthwiseBackpropInput: KernelConfig = wasmKernel(DepthwiseConv2dNativeBackpropInput, (call) => {
  const dy = call.input("dy", "float32");
  const filter = call.input("filter", "float32");
  const inputShape = call.attribute("inputShape") as number[];
  const g = convGeometry(call, inputShape, filter.shape, true);
  const dx = call.output(inputShape);
  const kernels = gradientModule(call.backend);
  kernels.depthwiseInputGradient(call.address(dy), call.address(filter), call.address(dx), ...depthwiseSizes(g));
  return dx;
});
