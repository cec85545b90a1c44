import "@tensorflow/tfjs-backend-cpu";
import { createCpuUploader } from "../upload/cpu-uploader.js";
import { correctAveragePoolGradient } from "./average-pool-gradient.js";
import type { Backend } from "./backend.js";
import { activate, TfjsBackend } from "./tfjs-backend.js";

/** Opens `cpu`, plain JavaScript: the reference that tests compare with, 50 to 200 times slower than `wasm`. */
export async function openCpu(): Promise<Backend> {
  correctAveragePoolGradient("cpu");
  const backend = (await activate("cpu")) as { firstUse?: boolean };
  // Keeps it from printing an advertisement for another backend.
  backend.firstUse = false;
  return new TfjsBackend({ name: "cpu", device: "CPU, JavaScript", isGpu: false, uploader: createCpuUploader() });
}
