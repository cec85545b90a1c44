import {
  learningRateAt,
  selectBackend,
  train,
  type Backend,
  type StepsProgress,
  type TrainLoader,
  type TrainOptions,
  type TrainProgress,
} from "@millrace/train";
import { layers, sequential, type LayersModel } from "@tensorflow/tfjs-layers";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";

/** What fixtures/torch/make.py wrote. */
interface Trajectories {
  readonly learningRate: number;
  readonly images: readonly (readonly number[])[];
  readonly labels: readonly (readonly number[])[];
  readonly initial: readonly (readonly number[])[];
  readonly cases: readonly {
    readonly options: Partial<TrainOptions>;
    readonly losses: readonly number[];
    readonly learningRates: readonly number[];
    readonly weights: readonly (readonly number[])[];
  }[];
}

const FILE = new URL("../../../../fixtures/torch/trajectories.json", import.meta.url);
const { learningRate, images, labels, initial, cases } = JSON.parse(readFileSync(FILE, "utf8")) as Trajectories;
const STEPS = images.length;

let backend: Backend;
beforeAll(async () => void ({ backend } = await selectBackend("cpu")));
afterAll(() => backend.close());

const loader: TrainLoader = {
  length: STEPS,
  async *[Symbol.asyncIterator]() {
    for (let step = 0; step < STEPS; step++) {
      const image = { data: Float32Array.from(images[step] ?? []), dtype: "float32", shape: [6, 2, 2, 1] } as const;
      const label = { data: Int32Array.from(labels[step] ?? []), dtype: "int32", shape: [6] } as const;
      yield await Promise.resolve({ size: 6, step, fields: { image, label } });
    }
  },
};

function makeModel(): LayersModel {
  const model = sequential({
    layers: [
      layers.flatten({ inputShape: [2, 2, 1] }),
      layers.dense({ units: 5, activation: "tanh" }),
      layers.dense({ units: 3 }),
    ],
  });
  const { tf } = backend;
  tf.tidy(() => {
    model.setWeights(
      model.weights.map(({ shape }, index) => tf.tensor([...(initial[index] ?? [])], shape as number[])),
    );
  });
  onTestFinished(() => void model.dispose());
  return model;
}

function expectClose(found: readonly number[], expected: readonly number[]): void {
  expect(found).toHaveLength(expected.length);
  for (const [index, value] of expected.entries()) expect(Math.abs((found[index] ?? NaN) - value)).toBeLessThan(1e-5);
}

describe("20 steps have the losses, learning rates and weights of PyTorch:", () => {
  it.each(cases.map((one) => [JSON.stringify(one.options), one] as const))("%s", async (_, one) => {
    const model = makeModel();
    const told: StepsProgress[] = [];
    const onProgress = (event: TrainProgress): void => {
      if (event.kind === "steps") told.push(event);
    };
    const schedule = one.options.schedule ?? "constant";
    await train({
      loader,
      model,
      backend,
      epochs: 1,
      learningRate,
      fenceEvery: 1,
      onProgress,
      ...one.options,
      schedule,
    });
    expectClose(
      told.map(({ loss }) => loss),
      one.losses,
    );
    expectClose(
      told.map((event) => event.learningRate),
      one.learningRates,
    );
    for (const [index, weight] of model.getWeights().entries())
      expectClose([...weight.dataSync()], one.weights[index] ?? []);
  });

  it("warm-up and cosine have PyTorch's rates to twelve places", () => {
    for (const { options, learningRates } of cases) {
      const { schedule: name = "constant", warmupSteps = 0 } = options;
      for (const [step, rate] of learningRates.entries())
        expect(learningRateAt(step, { name, learningRate, warmupSteps, totalSteps: STEPS })).toBeCloseTo(rate, 12);
    }
  });
});
