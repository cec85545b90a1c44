import type { Tensor } from "@tensorflow/tfjs-core";
import type { Bench, Case, Cases } from "../bench.js";

const activations = new Map<string, (tf: Bench["tf"], x: Tensor) => Tensor>([
  ["relu", (tf, x) => tf.relu(x)],
  ["relu6", (tf, x) => tf.relu6(tf.mul(x, 8))],
  ["leakyRelu", (tf, x) => tf.leakyRelu(x, 0.3)],
  ["elu", (tf, x) => tf.elu(x)],
  ["sigmoid", (tf, x) => tf.sigmoid(x)],
  ["tanh", (tf, x) => tf.tanh(x)],
  ["softplus", (tf, x) => tf.softplus(x)],
  ["gelu by erf", (tf, x) => tf.mul(tf.mul(x, 0.5), tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2))))],
  ["swish", (tf, x) => tf.mul(x, tf.sigmoid(x))],
  ["softmax", (tf, x) => tf.softmax(x)],
  ["log softmax", (tf, x) => tf.logSoftmax(x)],
  ["exp, log, sqrt and division", (tf, x) => tf.div(tf.exp(x), tf.sqrt(tf.log(tf.add(tf.square(x), 2))))],
]);

/** The gradients of activations and losses. */
export const elementwise: Cases = new Map<string, Case>([
  ...[...activations].map(([name, activate]): [string, Case] => [
    name,
    (bench) => bench.gradients([bench.make([4, 9], 33)], (x) => activate(bench.tf, x)),
  ]),
  [
    "broadcast sum and product",
    (bench) =>
      bench.gradients([bench.make([3, 4, 5], 34), bench.make([5], 35), bench.make([4, 1], 36)], (x, a, b) =>
        bench.tf.add(bench.tf.mul(x, b), a),
      ),
  ],
  [
    "softmax cross-entropy with label smoothing",
    (bench) =>
      bench.gradients([bench.make([5, 7], 37)], (x) => {
        const { tf } = bench;
        return tf.losses.softmaxCrossEntropy(tf.oneHot(tf.tensor1d([6, 0, 3, 3, 1], "int32"), 7), x, undefined, 0.1);
      }),
  ],
  [
    "mean squared error",
    (bench) =>
      bench.gradients([bench.make([5, 3], 38)], (x) => bench.tf.losses.meanSquaredError(bench.make([5, 3], 39), x)),
  ],
]);
