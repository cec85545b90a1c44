import type { Tensor } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { TensorFlow } from "../backends/backend.js";

/**
 * What a run asks of trainable weights beyond their gradients: that they stay pruned, or that they are trained for being
 * quantised. Every part runs inside `tf.tidy`, gets the weight's name (`originalName` in `model.trainableWeights`,
 * `conv1/kernel` for example), and returns a tensor of the same shape, which may be the one that it got.
 */
export interface WeightRule {
  /**
   * What the forward and the backward pass see in place of a weight. Its gradient is taken for that of the weight itself:
   * the straight-through estimator of Bengio, Léonard and Courville, "Estimating or Propagating Gradients Through
   * Stochastic Neurons" (2013), section 4.
   */
  readonly forward?: ((name: string, weight: Tensor) => Tensor) | undefined;
  /** What the optimizer gets in place of a weight's gradient. */
  readonly gradient?: ((name: string, gradient: Tensor) => Tensor) | undefined;
  /** What a weight becomes after an update. */
  readonly project?: ((name: string, weight: Tensor) => Tensor) | undefined;
}

/**
 * Runs `work` with the weights that the forward pass of a rule sees; the model has its own weights afterwards, whether
 * `work` returns or throws. Inside `tf.tidy`.
 */
export function withForwardWeights<T>(
  tf: TensorFlow,
  model: LayersModel,
  rule: WeightRule | undefined,
  work: () => T,
): T {
  const forward = rule?.forward;
  if (forward === undefined) return work();
  // A clone shares the memory.
  const own = model.trainableWeights.map((weight) => ({ weight, value: tf.clone(weight.read()) }));
  try {
    for (const { weight, value } of own) weight.write(forward(weight.originalName, value));
    return work();
  } finally {
    for (const { weight, value } of own) weight.write(value);
  }
}
