import type { Tensor4D } from "@tensorflow/tfjs-core";
import type { Case, Cases, Size } from "../bench.js";

const rows: [image: number[], size: Size, stride: Size, pad: "same" | "valid"][] = [
  [[2, 6, 6, 5], [2, 2], [2, 2], "valid"],
  [[2, 7, 5, 8], [2, 2], [2, 2], "same"],
  [[1, 7, 7, 4], [3, 3], [2, 2], "same"],
  [[1, 6, 7, 3], [3, 3], [1, 1], "valid"],
  [[2, 5, 8, 6], [2, 3], [1, 2], "same"],
  [[1, 4, 4, 4], [4, 4], [4, 4], "valid"],
];

/** Of the values: windows with a negative maximum are what the stock wasm backend gets wrong. */
const shifts = new Map([
  ["mixed", 0],
  ["negative", -3],
  ["positive", 3],
]);

/** The gradients of pooling, and of its neighbours in a network. */
export const pooling: Cases = new Map<string, Case>([
  ...rows.flatMap(([image, size, stride, pad]) => {
    const shape = `${image.join("x")}, window ${size.join("x")}, stride ${stride.join("x")}, ${pad}`;
    return [
      ...[...shifts].map(([kind, shift]): [string, Case] => [
        `max pool of ${kind} values ${shape}`,
        (bench) =>
          bench.gradients([bench.make(image, 5, shift)], (x) => bench.tf.maxPool(x as Tensor4D, size, stride, pad)),
      ]),
      [
        `average pool ${shape}`,
        (bench) => bench.gradients([bench.make(image, 6)], (x) => bench.tf.avgPool(x as Tensor4D, size, stride, pad)),
      ] satisfies [string, Case],
    ];
  }),
  [
    "max pool of equal values, where the first takes all",
    (bench) =>
      bench.gradients([bench.tf.mul(bench.tf.ones([1, 4, 4, 5]), -2)], (x) =>
        bench.tf.maxPool(x as Tensor4D, 3, 1, "valid"),
      ),
  ],
  [
    "global average pool 2x5x4x6",
    (bench) => bench.gradients([bench.make([2, 5, 4, 6], 25)], (x) => bench.tf.mean(x, [1, 2])),
  ],
  [
    "nearest neighbour resize 1x4x5x3 to 8x10",
    (bench) =>
      bench.gradients([bench.make([1, 4, 5, 3], 26)], (x) =>
        bench.tf.image.resizeNearestNeighbor(x as Tensor4D, [8, 10]),
      ),
  ],
  [
    "bilinear resize 1x5x5x3 to 7x7",
    (bench) =>
      bench.gradients([bench.make([1, 5, 5, 3], 27)], (x) => bench.tf.image.resizeBilinear(x as Tensor4D, [7, 7])),
  ],
]);
