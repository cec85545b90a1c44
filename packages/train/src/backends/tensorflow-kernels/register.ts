import {
  getGradient,
  getKernel,
  type KernelConfig,
  MaxPoolGrad,
  registerGradient,
  registerKernel,
  Relu,
  unregisterGradient,
  unregisterKernel,
} from "@tensorflow/tfjs-core";
import { fuseBatchNorm } from "./batch-norm.js";
import { maxPoolGrad } from "./max-pool-grad.js";
import { reluGradient } from "./relu-gradient.js";

let registered = false;

/**
 * Puts operations that TensorFlow has, and TensorFlow.js does not use, in place of what TensorFlow.js composes. The
 * backend's package and tfjs-layers have been imported. Once a process is enough; calling again does nothing.
 */
export function registerTensorflowKernels(): void {
  if (registered) return;
  registered = true;
  fuseBatchNorm();
  const stockGradient = getGradient(Relu);
  unregisterGradient(Relu);
  registerGradient(reluGradient(stockGradient));
  wrap(MaxPoolGrad, maxPoolGrad);
}

function wrap(kernelName: string, around: (stock: KernelConfig) => KernelConfig): void {
  const stock = getKernel(kernelName, "tensorflow");
  if (stock === undefined) return;
  unregisterKernel(kernelName, "tensorflow");
  registerKernel(around(stock));
}
