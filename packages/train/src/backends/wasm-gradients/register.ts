import {
  BatchMatMul,
  getKernel,
  type KernelConfig,
  Mean,
  registerKernel,
  Sum,
  unregisterKernel,
} from "@tensorflow/tfjs-core";
import { batchMatMul } from "./batch-mat-mul.js";
import { columnMean, columnSum } from "./column-reduction.js";
import { conv2dBackpropFilter } from "./conv2d-backprop-filter.js";
import { conv2dBackpropInput } from "./conv2d-backprop-input.js";
import { depthwiseBackpropFilter } from "./depthwise-backprop-filter.js";
import { depthwiseBackpropInput } from "./depthwise-backprop-input.js";
import { identity } from "./identity.js";
import { maxPoolGrad } from "./max-pool-grad.js";
import { tile } from "./tile.js";
import { unsortedSegmentSum } from "./unsorted-segment-sum.js";

let registered = false;

/**
 * Adds the gradient kernels to the wasm backend, or puts them in place of the stock ones. Once a process is enough;
 * calling again does nothing.
 */
export function registerWasmGradients(): void {
  if (registered) return;
  registered = true;
  for (const kernel of [
    conv2dBackpropFilter,
    conv2dBackpropInput,
    depthwiseBackpropFilter,
    depthwiseBackpropInput,
    identity,
    maxPoolGrad,
    tile,
    unsortedSegmentSum,
  ])
    replace(kernel);
  wrap(BatchMatMul, batchMatMul);
  wrap(Sum, columnSum);
  wrap(Mean, columnMean);
}

function replace(kernel: KernelConfig): void {
  if (getKernel(kernel.kernelName, "wasm") !== undefined) unregisterKernel(kernel.kernelName, "wasm");
  registerKernel(kernel);
}

function wrap(kernelName: string, around: (stock: KernelConfig) => KernelConfig): void {
  const stock = getKernel(kernelName, "wasm");
  if (stock !== undefined) replace(around(stock));
}
