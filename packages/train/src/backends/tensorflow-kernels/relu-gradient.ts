import { engine, type GradConfig, Relu, type Tensor } from "@tensorflow/tfjs-core";
import { floatType, type NativeBackend } from "./native-operation.js";

/**
 * The gradient of ReLU by the operation that TensorFlow has for it. TensorFlow.js composes it of six, which take ten
 * times as long. On every other backend the gradient is `stock`.
 */
export function reluGradient(stock: GradConfig): GradConfig {
  return {
    ...stock,
    kernelName: Relu,
    gradFunc: (dy, saved, attributes) => {
      const [x] = saved as [Tensor];
      if (engine().backendName !== "tensorflow" || x.dtype !== "float32") return stock.gradFunc(dy, saved, attributes);
      const backend = engine().backend as NativeBackend;
      return { x: () => backend.executeSingleOutput("ReluGrad", [floatType(backend, "T")], [dy as Tensor, x]) };
    },
  };
}
