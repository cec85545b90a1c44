import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-backend-wasm";
import { createWasmUploader } from "../upload/wasm-uploader.js";
import { correctAveragePoolGradient } from "./average-pool-gradient.js";
import type { Backend } from "./backend.js";
import { withoutModuleListeners } from "./module-listeners.js";
import { activate, TfjsBackend } from "./tfjs-backend.js";
import { gradientModule } from "./wasm-gradients/gradient-module.js";
import { registerWasmGradients } from "./wasm-gradients/register.js";

/**
 * Opens `wasm`: WebAssembly on one thread, with the gradient kernels that the stock backend lacks.
 * @throws {@link BackendError} if it does not start, or the machine's WebAssembly has no SIMD.
 */
export async function openWasm(): Promise<Backend> {
  registerWasmGradients();
  correctAveragePoolGradient("wasm");
  const backend = (await withoutModuleListeners(process, () => activate("wasm"))) as BackendWasm;
  // The stock method makes every later `tensor.dispose()` throw; the memory goes with the last reference anyway.
  backend.dispose = () => {};
  const disposeData = backend.disposeData.bind(backend);
  backend.disposeData = (dataId, force) => {
    try {
      return disposeData(dataId, force);
    } catch (error) {
      // A module without memory has aborted, so every call traps: nothing can be freed, and all of it goes at once.
      if (error instanceof Error && error.name === "RuntimeError") return true;
      throw error;
    }
  };
  gradientModule(backend);
  const uploader = createWasmUploader(backend);
  return new TfjsBackend({ name: "wasm", device: "CPU, WebAssembly SIMD, 1 thread", isGpu: false, uploader });
}
