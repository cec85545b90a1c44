import type { TensorFlow } from "@millrace/train";
import type { Tensor, Tensor4D } from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { numbers, onBackend, relativeError } from "../on-backend.js";

type Values = readonly ArrayLike<number>[];
type Case = (tf: TensorFlow) => readonly Tensor[];
type Size = [number, number];

let tf: TensorFlow;

function make(shape: number[], seed: number, shift = 0): Tensor {
  return tf.tensor(numbers(tf.util.sizeFromShape(shape), seed, shift), shape);
}

/** The gradients of a sum of squares, in which every element counts with a weight of its own. */
function gradients(inputs: Tensor[], forward: (...inputs: Tensor[]) => Tensor): Tensor[] {
  return tf.grads((...tensors) => {
    const result = forward(...tensors);
    return tf.sum(tf.mul(tf.square(tf.add(result, 0.1)), make(result.shape, 99)));
  })(inputs);
}

const cases = new Map<string, Case>();

type ConvRow = [image: number[], filter: number[], stride: Size, pad: "same" | "valid" | [Size, Size, Size, Size]];
const convRows: ConvRow[] = [
  [[2, 5, 5, 1], [3, 3, 1, 3], [1, 1], "valid"],
  [[2, 7, 6, 3], [5, 5, 3, 8], [1, 1], "valid"],
  [[1, 6, 7, 2], [3, 3, 2, 5], [1, 1], "same"],
  [[2, 8, 9, 4], [3, 3, 4, 13], [2, 2], "same"],
  [[2, 8, 8, 5], [3, 3, 5, 12], [2, 2], "valid"],
  [[1, 9, 10, 3], [2, 3, 3, 9], [2, 1], "same"],
  [[2, 5, 6, 7], [1, 1, 7, 6], [1, 1], "same"],
  [[2, 5, 6, 8], [1, 1, 8, 16], [2, 2], "same"],
  [[1, 11, 7, 3], [4, 2, 3, 7], [3, 3], "valid"],
  [
    [2, 6, 5, 2],
    [3, 3, 2, 4],
    [1, 2],
    [
      [0, 0],
      [1, 2],
      [0, 1],
      [0, 0],
    ],
  ],
  [[1, 3, 3, 2], [5, 5, 2, 2], [1, 1], "same"],
];
for (const [image, filter, stride, pad] of convRows) {
  const title = `conv2d ${image.join("x")} by ${filter.join("x")}, stride ${stride.join("x")}, ${JSON.stringify(pad)}`;
  cases.set(title, () =>
    gradients([make(image, 1), make(filter, 2)], (x, w) => tf.conv2d(x as Tensor4D, w as Tensor4D, stride, pad)),
  );
}

const depthwiseRows: [image: number[], filter: number[], stride: Size, pad: "same" | "valid"][] = [
  [[2, 6, 5, 8], [3, 3, 8, 1], [1, 1], "same"],
  [[2, 7, 7, 6], [3, 3, 6, 1], [2, 2], "same"],
  [[1, 6, 8, 5], [3, 2, 5, 1], [1, 1], "valid"],
  [[2, 5, 5, 3], [3, 3, 3, 2], [1, 1], "same"],
  [[1, 8, 7, 4], [3, 3, 4, 3], [2, 2], "valid"],
];
for (const [image, filter, stride, pad] of depthwiseRows) {
  cases.set(`depthwise ${image.join("x")} by ${filter.join("x")}, stride ${stride.join("x")}, ${pad}`, () =>
    gradients([make(image, 3), make(filter, 4)], (x, w) =>
      tf.depthwiseConv2d(x as Tensor4D, w as Tensor4D, stride, pad),
    ),
  );
}

const poolRows: [image: number[], size: Size, stride: Size, pad: "same" | "valid"][] = [
  [[2, 6, 6, 5], [2, 2], [2, 2], "valid"],
  [[2, 7, 5, 8], [2, 2], [2, 2], "same"],
  [[1, 7, 7, 4], [3, 3], [2, 2], "same"],
  [[1, 6, 7, 3], [3, 3], [1, 1], "valid"],
  [[2, 5, 8, 6], [2, 3], [1, 2], "same"],
  [[1, 4, 4, 4], [4, 4], [4, 4], "valid"],
];
for (const [image, size, stride, pad] of poolRows) {
  const shape = `${image.join("x")}, window ${size.join("x")}, stride ${stride.join("x")}, ${pad}`;
  for (const [kind, shift] of [["mixed", 0] as const, ["negative", -3] as const, ["positive", 3] as const]) {
    cases.set(`max pool of ${kind} values ${shape}`, () =>
      gradients([make(image, 5, shift)], (x) => tf.maxPool(x as Tensor4D, size, stride, pad)),
    );
  }
  cases.set(`average pool ${shape}`, () =>
    gradients([make(image, 6)], (x) => tf.avgPool(x as Tensor4D, size, stride, pad)),
  );
}
cases.set("max pool of equal values, where the first takes all", () =>
  gradients([tf.mul(tf.ones([1, 4, 4, 5]), -2)], (x) => tf.maxPool(x as Tensor4D, 3, 1, "valid")),
);

for (const shape of [
  [4, 3],
  [3, 4, 5, 6],
  [2, 3, 3, 9],
]) {
  cases.set(`batch norm of ${shape.join("x")}`, () =>
    gradients([make(shape, 7), make(shape.slice(-1), 8, 2), make(shape.slice(-1), 9)], (x, scale, offset) => {
      const { mean, variance } = tf.moments(x, [...shape.keys()].slice(0, -1));
      return tf.batchNorm(x, mean, variance, offset, scale, 1e-3);
    }),
  );
}

for (const [rows, inner, columns] of [
  [4, 5, 6],
  [1, 8, 3],
  [7, 1, 9],
  [16, 12, 8],
] as const) {
  for (const [transposeA, transposeB] of [
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ] as const) {
    const flags = `${transposeA ? "transposed" : "straight"} by ${transposeB ? "transposed" : "straight"}`;
    cases.set(`product ${rows}x${inner}x${columns}, ${flags}, and its gradients`, () => {
      const a = make(transposeA ? [inner, rows] : [rows, inner], 10);
      const b = make(transposeB ? [columns, inner] : [inner, columns], 11);
      const multiply = (x: Tensor, y: Tensor) => tf.matMul(x, y, transposeA, transposeB);
      return [multiply(a, b), ...gradients([a, b], multiply)];
    });
  }
}
cases.set("a batch of products and its gradients", () =>
  gradients([make([3, 4, 5], 12), make([3, 6, 5], 13)], (x, y) => tf.matMul(x, y, false, true)),
);
cases.set("gather", () => gradients([make([5, 3], 14)], (x) => tf.gather(x, tf.tensor1d([4, 0, 4, 2], "int32"))));

for (const axes of [[0, 1, 2], [0], [3], [1, 2], [0, 1, 2, 3], [-2, 0, 1]]) {
  for (const keepDims of [true, false]) {
    cases.set(`sum and mean over [${axes.join()}]${keepDims ? ", axes kept" : ""}`, () => {
      const x = make([3, 4, 2, 7], 15);
      return [tf.sum(x, axes, keepDims), tf.mean(x, axes, keepDims)];
    });
  }
}
cases.set("sum of int32", () => [
  tf.sum(
    tf.tensor2d(
      [
        [1, 2],
        [3, 4],
      ],
      [2, 2],
      "int32",
    ),
    0,
  ),
]);
for (const reps of [
  [1, 1, 1],
  [3, 1, 1],
  [1, 2, 1],
  [1, 1, 5],
  [2, 3, 2],
  [4, 5, 1],
])
  cases.set(`tile by [${reps.join()}]`, () => [tf.tile(make([2, 1, 3], 16), reps), tf.tile(make([1, 1, 5], 17), reps)]);

async function compute(name: "wasm" | "cpu"): Promise<Map<string, Values>> {
  return onBackend(name, (backend) => {
    ({ tf } = backend);
    return new Map(
      [...cases].map(([title, run]) => {
        const values: Values[] = [];
        tf.tidy(() => void values.push(run(tf).map((tensor) => tensor.dataSync())));
        return [title, values[0] ?? []];
      }),
    );
  });
}

describe("on wasm the result is that of cpu:", () => {
  let onWasm: Map<string, Values>;
  let onCpu: Map<string, Values>;

  beforeAll(async () => {
    onWasm = await compute("wasm");
    onCpu = await compute("cpu");
  });

  it.each([...cases.keys()])("%s", (title) => {
    const found = onWasm.get(title) ?? [];
    const expected = onCpu.get(title) ?? [];
    expect(found.length).toBe(expected.length);
    expect(found.length).toBeGreaterThan(0);
    for (const [i, values] of expected.entries()) expect(relativeError(found[i]!, values)).toBeLessThan(2e-5);
  });
});
