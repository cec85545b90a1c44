import type { UpdateRule } from "./optimizer.js";

/** Stochastic gradient descent, with momentum if it is above 0: `v = momentum * v + g`, `w = w - rate * v`. */
export function sgd(momentum: number): UpdateRule {
  return {
    slots: momentum > 0 ? ["velocity"] : [],
    update: (tf, weight, gradient, [velocity], learningRate) => {
      if (velocity === undefined) return { weight: tf.sub(weight, tf.mul(gradient, learningRate)), slots: [] };
      const next = tf.add(tf.mul(velocity, momentum), gradient);
      return { weight: tf.sub(weight, tf.mul(next, learningRate)), slots: [next] };
    },
  };
}
