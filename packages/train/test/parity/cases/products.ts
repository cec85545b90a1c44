import { tensor2d, type Tensor } from "@tensorflow/tfjs-core";
import type { Bench, Case, Cases } from "../bench.js";

const sizes = [
  [4, 5, 6],
  [1, 8, 3],
  [7, 1, 9],
  [16, 12, 8],
] as const;
const transposes = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const;

function product([rows, inner, columns]: (typeof sizes)[number], [a, b]: (typeof transposes)[number]): Case {
  return (bench: Bench) => {
    const left = bench.make(a ? [inner, rows] : [rows, inner], 10);
    const right = bench.make(b ? [columns, inner] : [inner, columns], 11);
    const multiply = (x: Tensor, y: Tensor) => bench.tf.matMul(x, y, a, b);
    return [multiply(left, right), ...bench.gradients([left, right], multiply)];
  };
}

/** Products, sums and copies, with their gradients. */
export const products: Cases = new Map<string, Case>([
  ...sizes.flatMap((size) =>
    transposes.map((flags): [string, Case] => [
      `product ${size.join("x")}, ${flags.map((flag) => (flag ? "transposed" : "straight")).join(" by ")}`,
      product(size, flags),
    ]),
  ),
  [
    "batch of products",
    (bench) =>
      bench.gradients([bench.make([3, 4, 5], 12), bench.make([3, 6, 5], 13)], (x, y) =>
        bench.tf.matMul(x, y, false, true),
      ),
  ],
  [
    "gather",
    (bench) =>
      bench.gradients([bench.make([5, 3], 14)], (x) => bench.tf.gather(x, bench.tf.tensor1d([4, 0, 4, 2], "int32"))),
  ],
  [
    "concat, slice, transpose and reshape",
    (bench) => {
      const { tf } = bench;
      return bench.gradients([bench.make([2, 3, 4], 31), bench.make([2, 3, 2], 32)], (x, y) => {
        const both = tf.slice(tf.concat([x, y], 2), [0, 1, 1], [2, 2, 4]);
        return tf.reshape(tf.transpose(both, [2, 0, 1]), [8, 2]);
      });
    },
  ],
  ...[[0, 1, 2], [0], [3], [1, 2], [0, 1, 2, 3], [-2, 0, 1]].flatMap((axes) =>
    [true, false].map((keepDims): [string, Case] => [
      `sum and mean over [${axes.join()}]${keepDims ? ", axes kept" : ""}`,
      (bench) => {
        const x = bench.make([3, 4, 2, 7], 15);
        return [bench.tf.sum(x, axes, keepDims), bench.tf.mean(x, axes, keepDims)];
      },
    ]),
  ),
  // prettier-ignore
  ["sum of int32", (bench) => [bench.tf.sum(tensor2d([[1, 2], [3, 4]], [2, 2], "int32"), 0)]],
  ...[
    [1, 1, 1],
    [3, 1, 1],
    [1, 2, 1],
    [1, 1, 5],
    [2, 3, 2],
    [4, 5, 1],
  ].map((reps): [string, Case] => [
    `tile by [${reps.join()}]`,
    (bench) => [bench.tf.tile(bench.make([2, 1, 3], 16), reps), bench.tf.tile(bench.make([1, 1, 5], 17), reps)],
  ]),
]);
