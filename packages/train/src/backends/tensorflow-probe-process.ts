// Run by probeTensorflow in a process of its own: loads TensorFlow, takes the gradient of a convolution, answers.
import { BackendError } from "@millrace/formats";
import * as tf from "@tensorflow/tfjs-core";
import { loadTensorflow, type TensorflowKernelBackend } from "./tensorflow-package.js";
import type { ProbeAnswer } from "./tensorflow-probe.js";

async function tryTensorflow(): Promise<ProbeAnswer> {
  // Importing tfjs-layers registers the gradients.
  await import("@tensorflow/tfjs-layers");
  await loadTensorflow();
  await tf.setBackend("tensorflow");
  const image = tf.ones<tf.Rank.R4>([1, 8, 8, 4]);
  const gradient = tf.grad((filter) => tf.sum(tf.conv2d(image, filter as tf.Tensor4D, 1, "same")));
  const sums = await gradient(tf.ones([3, 3, 4, 8])).data();
  // The middle tap sees all 64 pixels of an image of ones.
  const found = sums[(1 * 3 + 1) * 4 * 8];
  if (found !== 64)
    throw new BackendError({ problem: "the gradient of a convolution is wrong", expected: "64", found: `${found}` });
  const { binding, isUsingGpuDevice } = tf.backend() as TensorflowKernelBackend;
  return { usable: true, version: binding.TF_Version, isGpu: isUsingGpuDevice };
}

const answer = await tryTensorflow().catch((error: NodeJS.ErrnoException): ProbeAnswer => {
  return { usable: false, code: error.code, message: error.message };
});
process.send?.(answer, () => process.exit(0));
