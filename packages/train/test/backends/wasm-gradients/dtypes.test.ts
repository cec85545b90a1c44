import { isMillraceError } from "@millrace/formats";
import { type Backend, selectBackend } from "@millrace/train";
import type { Tensor, TensorInfo } from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

describe("the kernels for wasm, given tensors that are not float32,", () => {
  let backend: Backend;
  beforeAll(async () => ({ backend } = await selectBackend("wasm")));
  afterAll(() => backend.close());

  const ints = (shape: number[], of = 1): Tensor => backend.tf.fill(shape, of, "int32");
  const floats = (shape: number[]): Tensor => backend.tf.fill(shape, 1, "float32");
  const image = [1, 4, 4, 2];
  const filter = [2, 2, 2, 3];
  const convolved = [1, 3, 3, 3];
  const window = { strides: 1, pad: "valid", dataFormat: "NHWC", dilations: 1, filterSize: 2 };

  it.each<[kernel: string, inputs: Record<string, number[]>, attributes: object]>([
    ["Conv2DBackpropFilter", { x: image, dy: convolved }, { ...window, filterShape: filter }],
    ["Conv2DBackpropInput", { dy: convolved, filter }, { ...window, inputShape: image }],
    ["DepthwiseConv2dNativeBackpropFilter", { x: image, dy: [1, 3, 3, 2] }, { ...window, filterShape: [2, 2, 2, 1] }],
    [
      "DepthwiseConv2dNativeBackpropInput",
      { dy: [1, 3, 3, 2], filter: [2, 2, 2, 1] },
      { ...window, inputShape: image },
    ],
    ["MaxPoolGrad", { dy: [1, 3, 3, 2], input: image, output: [1, 3, 3, 2] }, window],
  ])("%s refuses each of them, and names it", (kernel, inputs, attributes) => {
    const { tf } = backend;
    const run = (odd: string | undefined): TensorInfo => {
      const entries = Object.entries(inputs).map(([name, shape]) => [name, name === odd ? ints(shape) : floats(shape)]);
      const named = Object.fromEntries(entries) as Record<string, Tensor>;
      return tf.engine().runKernel(kernel, named, { ...attributes }) as TensorInfo;
    };
    tf.tidy(() => {
      expect(run(undefined).dtype).toBe("float32");
      for (const name of Object.keys(inputs)) {
        let error: unknown;
        try {
          run(name);
        } catch (caught) {
          error = caught;
        }
        expect(isMillraceError(error, "BACKEND") && error.message).toContain(
          `${kernel} of the wasm backend does not take this type of its input ${name}; expected float32, found int32`,
        );
      }
    });
  });

  it("leave a product of matrices of integers to the stock kernel, which has none", () => {
    const { tf } = backend;
    tf.tidy(() => {
      for (const [transposeA, transposeB] of [
        [true, false],
        [false, true],
      ] as const)
        expect(() => tf.matMul(ints([3, 3]), ints([3, 3]), transposeA, transposeB)).toThrow(/non-float32/u);
    });
  });

  it("sum, repeat and collect integers as integers", () => {
    const { tf } = backend;
    tf.tidy(() => {
      const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2], "int32");
      const sums = tf.sum(x, 0);
      const tiled = tf.tile(x, [1, 2]);
      const flags = tf.tile(tf.tensor1d([true, false], "bool"), [2]);
      const segments = tf.unsortedSegmentSum(x, tf.tensor1d([1, 0, 1], "int32"), 2);
      expect([sums, tiled, flags, segments].map(({ dtype }) => dtype)).toEqual(["int32", "int32", "bool", "int32"]);
      expect([...sums.dataSync()]).toEqual([9, 12]);
      expect([...tf.mean(x, 0).dataSync()]).toEqual([3, 4]);
      expect([...tiled.dataSync()]).toEqual([1, 2, 1, 2, 3, 4, 3, 4, 5, 6, 5, 6]);
      expect([...flags.dataSync()]).toEqual([1, 0, 1, 0]);
      expect([...segments.dataSync()]).toEqual([3, 4, 6, 8]);
    });
  });

  it("refuse to collect what cannot be added", () => {
    const { tf } = backend;
    tf.tidy(() => {
      const flags = tf.tensor1d([true, false], "bool");
      expect(() => tf.unsortedSegmentSum(flags, tf.tensor1d([0, 1], "int32"), 2)).toThrow(
        /UnsortedSegmentSum .* expected float32 \| int32, found bool/u,
      );
    });
  });
});
