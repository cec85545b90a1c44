import { BackendError } from "@millrace/formats";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { DataType, KernelConfig, KernelFunc, TensorInfo } from "@tensorflow/tfjs-core";

/** One call of a kernel on the wasm backend, with its inputs and attributes by the names that TensorFlow.js gives. */
export interface KernelCall {
  readonly backend: BackendWasm;
  /**
   * The input tensor of that name.
   * @param dtypes - The types that it may have; without any, all.
   * @throws {@link BackendError} if it has another.
   */
  input(name: string, ...dtypes: readonly DataType[]): TensorInfo;
  /** The attribute of that name; its type is what the operation in TensorFlow.js passes. */
  attribute(name: string): unknown;
  /** The byte address of a tensor in the backend's memory. */
  address(tensor: TensorInfo): number;
  /** A new float32 tensor with unset contents; the caller of the kernel owns it. */
  output(shape: readonly number[]): TensorInfo;
  /** The address of room for `length` floats, unset, until the kernel returns. */
  scratch(length: number): number;
  /** The result of the backend's own kernel for the same call. */
  runStock(stock: KernelConfig): TensorInfo;
}

/**
 * A kernel of the wasm backend made of `run`.
 * @param kernelName - The name in TensorFlow.js.
 * @param stock - The backend's own kernel, where `run` may leave a call to it.
 */
export function wasmKernel(
  kernelName: string,
  run: (call: KernelCall) => TensorInfo,
  stock?: KernelConfig,
): KernelConfig {
  const kernelFunc: KernelFunc = ({ inputs, backend: anyBackend, attrs }) => {
    const backend = anyBackend as BackendWasm;
    const temporary: TensorInfo[] = [];
    const call: KernelCall = {
      backend,
      input: (name, ...dtypes) => checked(present(inputs[name], kernelName, name), kernelName, name, dtypes),
      attribute: (name) => attrs?.[name],
      address: (tensor) => backend.dataIdMap.get(tensor.dataId).memoryOffset,
      output: (shape) => backend.makeOutput([...shape], "float32"),
      scratch: (length) => {
        const room = backend.makeOutput([length], "float32");
        temporary.push(room);
        return backend.dataIdMap.get(room.dataId).memoryOffset;
      },
      runStock: ({ kernelFunc: runIt }) =>
        runIt(attrs === undefined ? { inputs, backend } : { inputs, backend, attrs }) as TensorInfo,
    };
    try {
      return run(call);
    } finally {
      for (const room of temporary) backend.disposeData(room.dataId);
    }
  };
  const kernel: KernelConfig = { kernelName, backendName: "wasm", kernelFunc };
  return stock?.setupFunc === undefined ? kernel : { ...kernel, setupFunc: stock.setupFunc };
}

function present(tensor: TensorInfo | undefined, kernelName: string, name: string): TensorInfo {
  if (tensor !== undefined) return tensor;
  throw new BackendError({ problem: `the kernel ${kernelName} was called without its input ${name}` });
}

function checked(tensor: TensorInfo, kernelName: string, name: string, dtypes: readonly DataType[]): TensorInfo {
  if (dtypes.length === 0 || dtypes.includes(tensor.dtype)) return tensor;
  throw new BackendError({
    problem: `the kernel ${kernelName} of the wasm backend does not take this type of its input ${name}`,
    expected: dtypes.join(" | "),
    found: tensor.dtype,
    fix: `convert it with tf.cast(tensor, "${dtypes[0]}")`,
  });
}
