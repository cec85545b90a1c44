import type { UpdateRule } from "./optimizer.js";

/**
 * Stochastic gradient descent, with momentum if it is above 0: `v = momentum * v + g`, `w = w - rate * v`. Weight decay
 * is a part of the gradient, `g + weightDecay * w`, as in PyTorch.
 */
export function sgd(momentum: number): UpdateRule {
  return {
    slots: momentum > 0 ? ["velocity"] : [],
    update: (tf, { weight, gradient, slots: [velocity], learningRate, weightDecay }) => {
      const slope = weightDecay === 0 ? gradient : tf.add(gradient, tf.mul(weight, weightDecay));
      if (velocity === undefined) return { weight: tf.sub(weight, tf.mul(slope, learningRate)), slots: [] };
      const next = tf.add(tf.mul(velocity, momentum), slope);
      return { weight: tf.sub(weight, tf.mul(next, learningRate)), slots: [next] };
    },
  };
}
