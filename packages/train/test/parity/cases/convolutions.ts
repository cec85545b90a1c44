import type { Tensor4D } from "@tensorflow/tfjs-core";
import type { Case, Cases, Size } from "../bench.js";

type Padding = "same" | "valid" | [Size, Size, Size, Size];

const conv: [image: number[], filter: number[], stride: Size, pad: Padding, dilation?: number][] = [
  [[2, 5, 5, 1], [3, 3, 1, 3], [1, 1], "valid"],
  [[2, 7, 6, 3], [5, 5, 3, 8], [1, 1], "valid"],
  [[1, 6, 7, 2], [3, 3, 2, 5], [1, 1], "same"],
  [[2, 8, 9, 4], [3, 3, 4, 13], [2, 2], "same"],
  [[2, 8, 8, 5], [3, 3, 5, 12], [2, 2], "valid"],
  [[1, 9, 10, 3], [2, 3, 3, 9], [2, 1], "same"],
  [[2, 5, 6, 7], [1, 1, 7, 6], [1, 1], "same"],
  [[2, 5, 6, 8], [1, 1, 8, 16], [2, 2], "same"],
  [[1, 11, 7, 3], [4, 2, 3, 7], [3, 3], "valid"],
  // prettier-ignore
  [[2, 6, 5, 2], [3, 3, 2, 4], [1, 2], [[0, 0], [1, 2], [0, 1], [0, 0]]],
  [[1, 3, 3, 2], [5, 5, 2, 2], [1, 1], "same"],
  [[1, 8, 8, 2], [3, 3, 2, 3], [1, 1], "valid", 2],
];

const depthwise: [image: number[], filter: number[], stride: Size, pad: "same" | "valid"][] = [
  [[2, 6, 5, 8], [3, 3, 8, 1], [1, 1], "same"],
  [[2, 7, 7, 6], [3, 3, 6, 1], [2, 2], "same"],
  [[1, 6, 8, 5], [3, 2, 5, 1], [1, 1], "valid"],
  [[2, 5, 5, 3], [3, 3, 3, 2], [1, 1], "same"],
  [[1, 8, 7, 4], [3, 3, 4, 3], [2, 2], "valid"],
];

/** The gradients of convolutions by image and filter. */
export const convolutions: Cases = new Map<string, Case>([
  ...conv.map(([image, filter, stride, pad, dilation = 1]): [string, Case] => [
    `conv2d ${image.join("x")} by ${filter.join("x")}, stride ${stride.join("x")}, ${
      typeof pad === "string" ? pad : `padding ${pad.slice(1, 3).flat().join(" ")}`
    }${dilation > 1 ? `, dilation ${dilation}` : ""}`,
    (bench) =>
      bench.gradients([bench.make(image, 1), bench.make(filter, 2)], (x, w) =>
        bench.tf.conv2d(x as Tensor4D, w as Tensor4D, stride, pad, "NHWC", dilation),
      ),
  ]),
  ...depthwise.map(([image, filter, stride, pad]): [string, Case] => [
    `depthwise ${image.join("x")} by ${filter.join("x")}, stride ${stride.join("x")}, ${pad}`,
    (bench) =>
      bench.gradients([bench.make(image, 3), bench.make(filter, 4)], (x, w) =>
        bench.tf.depthwiseConv2d(x as Tensor4D, w as Tensor4D, stride, pad),
      ),
  ]),
  [
    "separable conv2d 2x6x6x3 by 3x3x3x2 and 1x1x6x4",
    (bench) =>
      bench.gradients(
        [bench.make([2, 6, 6, 3], 18), bench.make([3, 3, 3, 2], 19), bench.make([1, 1, 6, 4], 20)],
        (x, depth, point) => bench.tf.separableConv2d(x as Tensor4D, depth as Tensor4D, point as Tensor4D, 1, "same"),
      ),
  ],
  [
    "transposed conv2d 1x4x4x3 by 3x3x2x3, stride 2",
    (bench) =>
      bench.gradients([bench.make([1, 4, 4, 3], 21), bench.make([3, 3, 2, 3], 22)], (x, w) =>
        bench.tf.conv2dTranspose(x as Tensor4D, w as Tensor4D, [1, 8, 8, 2], 2, "same"),
      ),
  ],
  [
    "padding by pad, then conv2d, stride 2",
    (bench) =>
      bench.gradients([bench.make([2, 7, 7, 3], 23), bench.make([3, 3, 3, 4], 24)], (x, w) => {
        const padded = bench.tf.pad(x as Tensor4D, [
          [0, 0],
          [1, 1],
          [1, 1],
          [0, 0],
        ]);
        return bench.tf.conv2d(padded, w as Tensor4D, 2, "valid");
      }),
  ],
]);
