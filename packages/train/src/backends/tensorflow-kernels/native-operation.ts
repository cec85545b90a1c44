import type { Tensor, TensorInfo } from "@tensorflow/tfjs-core";
import type { OperationAttribute, TensorflowKernelBackend } from "../tensorflow-package.js";

/** The part of the package's backend that runs any operation of TensorFlow by its name. */
export interface NativeBackend extends TensorflowKernelBackend {
  readonly binding: TensorflowKernelBackend["binding"] & {
    readonly TF_ATTR_FLOAT: number;
    readonly TF_ATTR_STRING: number;
  };
  executeSingleOutput(name: string, attributes: OperationAttribute[], inputs: readonly TensorInfo[]): Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: OperationAttribute[],
    inputs: readonly TensorInfo[],
    numOutputs: number,
  ): Tensor[];
}

/** The attribute `name` that says an operation works on float32. */
export function floatType({ binding }: NativeBackend, name: string): OperationAttribute {
  return { name, type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
}
