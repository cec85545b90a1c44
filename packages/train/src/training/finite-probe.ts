import type { Scalar, Tensor } from "@tensorflow/tfjs-core";
import type { TensorFlow } from "../backends/backend.js";

/**
 * A number on the device that is not finite if one of the tensors' numbers is not: their sum, as an infinity or a NaN
 * in a sum stays. The loss does not tell, because ReLU and max pooling of the backend `wasm` make a number of a NaN.
 * Inside `tf.tidy`.
 */
export function finiteProbe(tf: TensorFlow, tensors: readonly Tensor[]): Scalar {
  const sums = tensors.filter(({ dtype }) => dtype === "float32").map((tensor) => tf.sum<Scalar>(tensor));
  return sums.length === 0 ? tf.scalar(0) : tf.addN(sums);
}
