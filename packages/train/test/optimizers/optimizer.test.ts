import { selectBackend, train, type Backend, type OptimizerName, type TrainLoader } from "@millrace/train";
import type { Scalar, Tensor } from "@tensorflow/tfjs-core";
import { layers, sequential, type LayersModel } from "@tensorflow/tfjs-layers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

let backend: Backend;

beforeAll(async () => {
  ({ backend } = await selectBackend("cpu"));
});

afterAll(() => backend.close());

const STEPS = 20;
const image = { data: Float32Array.from({ length: 24 }, (_, n) => Math.sin(n)), dtype: "float32", shape: [6, 2, 2, 1] };
const label = { data: Int32Array.of(0, 1, 2, 0, 1, 2), dtype: "int32", shape: [6] };

/** The same batch, over and over. */
const loader: TrainLoader = {
  async *[Symbol.asyncIterator]() {
    for (let n = 0; n < STEPS; n++) {
      const fields = { image: { ...image, dtype: "float32" }, label: { ...label, dtype: "int32" } } as const;
      yield await Promise.resolve({ size: 6, fields });
    }
  },
};

function makeModel(): LayersModel {
  const model = sequential({ layers: [layers.flatten({ inputShape: [2, 2, 1] }), layers.dense({ units: 3 })] });
  const { tf } = backend;
  tf.tidy(() =>
    model.setWeights([
      tf.tensor(
        Float32Array.from({ length: 12 }, (_, n) => Math.cos(n)),
        [4, 3],
      ),
      tf.zeros([3]),
    ]),
  );
  return model;
}

/** The weights after 20 steps by the optimizers of TensorFlow.js. */
function reference(name: OptimizerName, momentum: number): number[] {
  const { tf } = backend;
  const model = makeModel();
  const other = momentum > 0 ? tf.train.momentum(0.05, momentum) : tf.train.sgd(0.05);
  const optimizer = name === "adam" ? tf.train.adam(0.05) : other;
  const x = tf.tensor(image.data, [6, 2, 2, 1]);
  const y = tf.oneHot(tf.tensor1d(label.data, "int32"), 3);
  for (let step = 0; step < STEPS; step++)
    optimizer.minimize(() => tf.losses.softmaxCrossEntropy<Tensor, Scalar>(y, model.apply(x) as Tensor));
  return [...(model.getWeights()[0]?.dataSync() ?? [])];
}

describe("the optimizers", () => {
  const cases: readonly (readonly [OptimizerName, number])[] = [
    ["sgd", 0],
    ["sgd", 0.9],
    ["adam", 0],
  ];
  for (const [optimizer, momentum] of cases) {
    it(`take the same steps as those of TensorFlow.js: ${optimizer}, momentum ${momentum}`, async () => {
      const model = makeModel();
      await train({ loader, model, backend, epochs: 1, optimizer, momentum, learningRate: 0.05, schedule: "constant" });
      const found = [...(model.getWeights()[0]?.dataSync() ?? [])];
      const expected = reference(optimizer, momentum);
      expect(found).toHaveLength(expected.length);
      for (const [index, value] of expected.entries()) expect(found[index]).toBeCloseTo(value, 4);
    });
  }
});
