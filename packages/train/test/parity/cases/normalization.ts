import type { Bench, Case, Cases } from "../bench.js";

const shapes = [
  [4, 3],
  [3, 4, 5, 6],
  [2, 3, 3, 9],
];

function batchNorm(shape: number[], shift: number): Case {
  return (bench: Bench) => {
    const { tf } = bench;
    const channels = shape.slice(-1);
    return bench.gradients(
      [bench.make(shape, 7, shift), bench.make(channels, 8, 2), bench.make(channels, 9)],
      (x, scale, offset) => {
        const { mean, variance } = tf.moments(x, [...shape.keys()].slice(0, -1));
        return tf.batchNorm(x, mean, variance, offset, scale, 1e-3);
      },
    );
  };
}

/** The gradients of batch norm, of moments, and of what else divides by a deviation. */
export const normalization: Cases = new Map<string, Case>([
  ...shapes.map((shape): [string, Case] => [`batch norm of ${shape.join("x")}`, batchNorm(shape, 0)]),
  [
    "moments over [0, 1, 2] of 3x4x5x6",
    (bench) =>
      bench.gradients([bench.make([3, 4, 5, 6], 28)], (x) => {
        const { mean, variance } = bench.tf.moments(x, [0, 1, 2]);
        return bench.tf.concat([mean, variance]);
      }),
  ],
  [
    "moments of values 100 times their deviation from zero",
    (bench) => bench.gradients([bench.make([3, 4, 5, 6], 28, 60)], (x) => bench.tf.moments(x, [0, 1, 2]).variance),
  ],
  [
    "layer norm of 6x10",
    (bench) => {
      const { tf } = bench;
      return bench.gradients([bench.make([6, 10], 29), bench.make([10], 30, 2)], (x, scale) => {
        const { mean, variance } = tf.moments(x, 1, true);
        return tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-3))), scale);
      });
    },
  ],
]);
