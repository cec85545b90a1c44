import type { Scalar, Tensor1D, Tensor2D } from "@tensorflow/tfjs-core";
import type { TensorFlow } from "../backends/backend.js";

/** What a model returns: unnormalised scores, or the probabilities of a softmax layer. */
export type ModelOutput = "logits" | "probabilities";

/** Probabilities are kept off zero by this, the machine epsilon of TensorFlow.js. */
const EPSILON = 1e-7;

/**
 * The mean cross-entropy of a batch, in nats.
 * @param outputs - `[batch, classes]`.
 * @param labels - `[batch]`, int32, 0 to classes - 1.
 */
export function crossEntropy(tf: TensorFlow, outputs: Tensor2D, labels: Tensor1D, kind: ModelOutput): Scalar {
  const target = tf.oneHot(labels, outputs.shape[1]);
  if (kind === "logits") return tf.losses.softmaxCrossEntropy<typeof target, Scalar>(target, outputs);
  const probability = tf.sum(tf.mul(tf.cast(target, "float32"), outputs), 1);
  return tf.neg(tf.mean(tf.log(tf.clipByValue(probability, EPSILON, 1))));
}

/** How many of a batch have their highest output at their label: a float32 scalar. */
export function countCorrect(tf: TensorFlow, outputs: Tensor2D, labels: Tensor1D): Scalar {
  return tf.sum(tf.cast(tf.equal(tf.argMax(outputs, 1), labels), "float32"));
}
