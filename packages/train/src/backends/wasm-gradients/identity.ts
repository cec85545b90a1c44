import { Identity, type KernelConfig } from "@tensorflow/tfjs-core";
import { wasmKernel } from "./kernel-call.js";

/**
 * The same tensor once more. Replaces the stock kernel, which copies the elements; tensors are never written to once
 * they are made, so both may share them, as they do on every other backend. A training step takes hundreds of these.
 */
export const identity: KernelConfig = wasmKernel(Identity, (call) => {
  const x = call.input("x");
  call.backend.incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
});
