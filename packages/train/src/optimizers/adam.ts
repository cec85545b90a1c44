import { BackendError } from "@millrace/formats";
import type { UpdateRule } from "./optimizer.js";

const BETA1 = 0.9;
const BETA2 = 0.999;
/** That of TensorFlow.js and Keras; PyTorch's is 1e-8. */
const EPSILON = 1e-7;

/**
 * Adam (Kingma and Ba, 2015, algorithm 1). The corrections of the moments' bias are scalars that depend on the step
 * alone, so they are folded into the rate and into epsilon, as section 2 of the paper says.
 */
export function adam(): UpdateRule {
  return {
    slots: ["moment1", "moment2"],
    update: (tf, { weight, gradient, slots: [moment1, moment2], learningRate, step }) => {
      if (moment1 === undefined || moment2 === undefined)
        throw new BackendError({ problem: "the optimizer adam lacks its moments" });
      const first = tf.add(tf.mul(moment1, BETA1), tf.mul(gradient, 1 - BETA1));
      const second = tf.add(tf.mul(moment2, BETA2), tf.mul(tf.square(gradient), 1 - BETA2));
      const root = Math.sqrt(1 - BETA2 ** (step + 1));
      const rate = (learningRate * root) / (1 - BETA1 ** (step + 1));
      const change = tf.div(first, tf.add(tf.sqrt(second), EPSILON * root));
      return { weight: tf.sub(weight, tf.mul(change, rate)), slots: [first, second] };
    },
  };
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019, algorithm 2):
 * a weight first shrinks by the share `learningRate * weightDecay`, which no moment sees.
 */
export function adamw(): UpdateRule {
  const rule = adam();
  return {
    slots: rule.slots,
    update: (tf, before) => {
      const { weight, learningRate, weightDecay } = before;
      if (weightDecay === 0) return rule.update(tf, before);
      return rule.update(tf, { ...before, weight: tf.mul(weight, 1 - learningRate * weightDecay) });
    },
  };
}
