// Run by probeTensorflow in a process of its own: loads TensorFlow, multiplies two matrices, takes the gradient of a
// convolution, answers. It imports little, for the user waits for it: the package is asked directly.
import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import {
  findTensorflowPackage,
  prepareTensorflowEnvironment,
  tensorflowPackageName,
} from "./tensorflow-environment.js";
import type { ProbeAnswer } from "./tensorflow-probe.js";

type TensorFlowJs = typeof import("@tensorflow/tfjs-core") & { readonly version_core: string };
type NativeBackend = { readonly binding: { readonly TF_Version: string }; readonly isUsingGpuDevice: boolean };

const require = createRequire(import.meta.url);

function tryTensorflow(): ProbeAnswer {
  const numThreads = prepareTensorflowEnvironment();
  const name = tensorflowPackageName();
  const tf = require(findTensorflowPackage()?.folder ?? name) as TensorFlowJs;
  const { binding, isUsingGpuDevice } = tf.backend() as unknown as NativeBackend;
  const wrong = wrongResult(tf) ?? foreignCore(name);
  if (wrong !== undefined) return { usable: false, message: wrong };
  const tfjsVersion = tf.version_core;
  return { usable: true, version: binding.TF_Version, isGpu: isUsingGpuDevice, tfjsVersion, numThreads };
}

function wrongResult(tf: TensorFlowJs): string | undefined {
  if (tf.getBackend() !== "tensorflow") return `its backend is ${tf.getBackend()}, not tensorflow`;
  const [entry] = tf.matMul(tf.ones([64, 64]), tf.ones([64, 64])).dataSync();
  if (entry !== 64) return `the product of two 64 x 64 matrices of ones has ${entry} where it must have 64`;
  const image = tf.ones<import("@tensorflow/tfjs-core").Rank.R4>([1, 8, 8, 4]);
  const loss = (filter: unknown): ReturnType<typeof tf.sum> =>
    tf.sum(tf.conv2d(image, filter as typeof image, 1, "same"));
  const sums = tf
    .grad(loss)(tf.ones([3, 3, 4, 8]))
    .dataSync();
  // The middle tap sees all 64 pixels of an image of ones.
  const tap = sums[(1 * 3 + 1) * 4 * 8];
  return tap === 64 ? undefined : `the gradient of a convolution is ${tap} where it must be 64`;
}

/** The package brings TensorFlow.js by way of `@tensorflow/tfjs`; tensors of another copy are of no use here. */
function foreignCore(name: string): string | undefined {
  const folder = findTensorflowPackage()?.folder ?? "";
  const union = createRequire(join(folder, "package.json")).resolve("@tensorflow/tfjs");
  const theirs = realpathSync(createRequire(union).resolve("@tensorflow/tfjs-core"));
  if (theirs === realpathSync(require.resolve("@tensorflow/tfjs-core"))) return undefined;
  return `${name} brings a TensorFlow.js of its own; install one version of the @tensorflow packages`;
}

function answer(): ProbeAnswer {
  try {
    return tryTensorflow();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { usable: false, code, message };
  }
}

process.send?.(answer(), () => process.exit(0));
