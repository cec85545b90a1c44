import type { Tensor } from "@tensorflow/tfjs-core";
import type { TensorFlow } from "../backends/backend.js";

/**
 * Scales all gradients by one factor, so that the norm of all of them together is at most `clipNorm` (Pascanu et al.,
 * 2013). Shorter ones stay as they are. The norm is not read from the device. Inside `tf.tidy`.
 */
export function clipGradients(tf: TensorFlow, gradients: readonly Tensor[], clipNorm: number): Tensor[] {
  if (gradients.length === 0) return [];
  const squares = gradients.map((gradient) => tf.sum(tf.square(gradient)));
  const norm = tf.sqrt(tf.addN(squares));
  const factor = tf.div(clipNorm, tf.maximum(norm, clipNorm));
  return gradients.map((gradient) => tf.mul(gradient, factor));
}
