import { availableParallelism } from "node:os";
import { BackendError } from "@millrace/formats";
import { engine, type KernelBackend, type Tensor } from "@tensorflow/tfjs-core";
import { prepareTensorflowEnvironment, tensorflowPackageName } from "./tensorflow-environment.js";

/** A tensor of the native side, which JavaScript knows by number. */
interface NativeTensor {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

/** One attribute of a native operation. */
export interface OperationAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: number | boolean | string;
}

/** The part of the package's native binding that is used here. */
interface TensorflowBinding {
  readonly TF_Version: string;
  readonly TF_FLOAT: number;
  readonly TF_UINT8: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_BOOL: number;
  /** Takes the array's memory over where it is aligned to 64 bytes, and copies it otherwise. */
  createTensor(shape: readonly number[], dtype: number, data: Uint8Array | Float32Array): number;
  deleteTensor(id: number): void;
  /** Runs an operation of TensorFlow by its name. */
  executeOp(name: string, attributes: OperationAttribute[], inputs: number[], numOutputs: number): NativeTensor[];
}

/** The package's backend object, as far as it is used here. */
export interface TensorflowKernelBackend extends KernelBackend {
  readonly binding: TensorflowBinding;
  readonly isUsingGpuDevice: boolean;
  /** Makes a native tensor one of TensorFlow.js. */
  createOutputTensor(native: NativeTensor): Tensor;
}

let numThreadsLoaded: number | undefined;

/** How many threads TensorFlow takes for one operation on the CPU: settled when it is loaded. */
export function tensorflowThreads(): number {
  return numThreadsLoaded ?? availableParallelism();
}

/**
 * Imports the package, once a process, and registers its backend with TensorFlow.js.
 * @param numThreads - Of one operation on the CPU; counts at the first call only, as TensorFlow reads it then.
 * @throws What the package throws; {@link BackendError} if it does not share TensorFlow.js with this one.
 */
export async function loadTensorflow(numThreads?: number): Promise<void> {
  const threads = numThreadsLoaded ?? prepareTensorflowEnvironment(numThreads);
  const name = tensorflowPackageName();
  const loaded = (await import(name)) as { engine(): unknown };
  numThreadsLoaded = threads;
  if (loaded.engine() !== engine()) {
    throw new BackendError({
      problem: `${name} brings a TensorFlow.js of its own, which cannot run the models of this one`,
      fix: "install one version of the @tensorflow packages",
    });
  }
}
