import * as tf from "@tensorflow/tfjs-core";
import { createTensorflowUploader } from "../upload/tensorflow-uploader.js";
import type { Backend } from "./backend.js";
import { registerTensorflowKernels } from "./tensorflow-kernels/register.js";
import { loadTensorflow, type TensorflowKernelBackend, tensorflowThreads } from "./tensorflow-package.js";
import { activate, TfjsBackend } from "./tfjs-backend.js";

/**
 * Opens `tensorflow`: TensorFlow's C library, on a GPU where it finds one that it can use, else on the CPU. Its
 * operations block the calling thread until they are done (CPU) or submitted (GPU). Ask {@link probeTensorflow} first.
 * @param numThreads - Of one operation on the CPU; settled by the first call in a process.
 * @throws What loading the package throws; {@link BackendError} if it does not start.
 */
export async function openTensorflow(numThreads?: number): Promise<Backend> {
  await loadTensorflow(numThreads);
  registerTensorflowKernels();
  const backend = (await activate("tensorflow")) as TensorflowKernelBackend;
  const { isUsingGpuDevice: isGpu, binding } = backend;
  const threads = tensorflowThreads();
  const device = isGpu
    ? `GPU, TensorFlow ${binding.TF_Version}`
    : `CPU, TensorFlow ${binding.TF_Version}, ${threads} thread${threads === 1 ? "" : "s"}`;
  const parts = { name: "tensorflow", device, isGpu, uploader: createTensorflowUploader(backend) } as const;
  return new TfjsBackend(isGpu ? { ...parts, fence: drainGpu } : parts);
}

/** Operations of a GPU run in the order of their submission, so reading the result of one more waits for all. */
async function drainGpu(): Promise<void> {
  const last = tf.tidy(() => tf.add(tf.scalar(1), tf.scalar(1)));
  await last.data();
  last.dispose();
}
