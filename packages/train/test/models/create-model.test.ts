import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  ACTIVATIONS,
  type ActivationName,
  type Backend,
  createModel,
  MODEL_NAMES,
  type ModelName,
  selectBackend,
} from "@millrace/train";
import { count } from "@millrace/testkit";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { numbers, onBackend, relativeError, tensorflowSkip } from "../backends/on-backend.js";

/** What fixtures/torch/make.py wrote. */
interface Torch {
  readonly activations: { readonly inputs: readonly number[] } & Readonly<
    Record<ActivationName, { readonly outputs: readonly number[]; readonly gradients: readonly number[] }>
  >;
}

const FILE = new URL("../../../../fixtures/torch/trajectories.json", import.meta.url);
const TORCH = JSON.parse(readFileSync(FILE, "utf8")) as Torch;

const DIGITS = { classes: 10, inputShape: [28, 28, 1], seed: 3 } as const;

/** The large model takes a second to make: the quick tier makes it once or twice. */
const CHEAP_NAMES = MODEL_NAMES.filter((name) => name !== "resnet18" || count(0, 1) === 1);

function weightsHash(model: LayersModel): string {
  const hash = createHash("sha256");
  for (const weight of model.getWeights()) hash.update(weight.dataSync());
  return hash.digest("hex");
}

async function hashesOn(name: "cpu" | "wasm" | "tensorflow"): Promise<string[]> {
  return onBackend(name, () =>
    CHEAP_NAMES.map((kind) => {
      const model = createModel(kind, DIGITS);
      const hash = weightsHash(model);
      model.dispose();
      return hash;
    }),
  );
}

describe("a model", () => {
  let backend: Backend;
  beforeAll(async () => ({ backend } = await selectBackend("wasm")));
  afterAll(() => backend.close());

  function withModel<T>(
    name: ModelName,
    options: Parameters<typeof createModel>[1],
    use: (model: LayersModel) => T,
  ): T {
    const model = createModel(name, options);
    try {
      return backend.tf.tidy(() => use(model) as never) as T;
    } finally {
      model.dispose();
    }
  }

  it("named lenet has the parameters of Caffe's", () => {
    expect(withModel("lenet", DIGITS, (model) => model.countParams())).toBe(431_080);
  });

  it("named mini-resnet has eight layers of weights on its longest path", () => {
    const { convolutions, params } = withModel("mini-resnet", DIGITS, (model) => ({
      convolutions: model.layers.filter((layer) => layer.getClassName() === "Conv2D").length,
      params: model.countParams(),
    }));
    // A stem, two a block, two projections.
    expect(convolutions).toBe(1 + 6 + 2);
    expect(params).toBe(78_426);
  });

  it("named resnet18 is torchvision's: parameters, and sizes of the stages", () => {
    const { tf } = backend;
    const found = withModel("resnet18", { classes: 1000, inputShape: [224, 224, 3] }, (model) => ({
      trainable: model.trainableWeights.reduce(
        (sum, weight) => sum + tf.util.sizeFromShape(weight.shape as number[]),
        0,
      ),
      convolutions: model.layers.filter((layer) => layer.getClassName() === "Conv2D").length,
      sizes: ["stem_pool", "stage1_block2_add", "stage2_block2_add", "stage3_block2_add", "stage4_block2_add"].map(
        (name) => (model.getLayer(name).outputShape as number[]).slice(1).join("x"),
      ),
    }));
    expect(found).toEqual({
      trainable: 11_689_512,
      convolutions: 20,
      sizes: ["56x56x64", "56x56x64", "28x28x128", "14x14x256", "7x7x512"],
    });
  });

  it.each([
    [64, 64],
    [65, 17],
  ])("named resnet18 begins on images of %i pixels with a stage of %i", (size, expected) => {
    const shape = withModel(
      "resnet18",
      { classes: 2, inputShape: [size, size, 3] },
      (model) => model.getLayer("stage1_block1_add").outputShape,
    );
    expect(shape).toEqual([null, expected, expected, 64]);
  });

  it.each(MODEL_NAMES)("named %s maps images to one logit a class", (name) => {
    const { tf } = backend;
    const options = { classes: 7, inputShape: [20, 24, 3], seed: 1 } as const;
    const { shape, sums } = withModel(name, options, (model) => {
      const logits = model.predict(tf.tensor4d(numbers(2 * 20 * 24 * 3, 1), [2, 20, 24, 3])) as ReturnType<
        typeof tf.tensor2d
      >;
      return { shape: logits.shape, sums: [...tf.sum(logits, 1).dataSync()] };
    });
    expect(shape).toEqual([2, 7]);
    // Probabilities would add up to 1.
    for (const sum of sums) expect(Math.abs(sum - 1)).toBeGreaterThan(1e-3);
  });

  it.each([
    [224, 56],
    [96, 24],
    [95, 95],
  ])("for images of %i pixels has a first block of %i", (size, expected) => {
    const shape = withModel(
      "mini-resnet",
      { classes: 2, inputShape: [size, size, 3] },
      (model) => model.getLayer("block1_add").outputShape,
    );
    expect(shape).toEqual([null, expected, expected, 16]);
  });

  it("has the weights of its seed, which is 0 unless another is given", () => {
    const { seed: _seed, ...withoutSeed } = DIGITS;
    const [three, again, four, zero, none] = [3, 3, 4, 0, undefined].map((seed) =>
      withModel("lenet", seed === undefined ? withoutSeed : { ...DIGITS, seed }, weightsHash),
    );
    expect(three).toBe(again);
    expect(three).not.toBe(four);
    expect(none).toBe(zero);
  });

  it.each(CHEAP_NAMES)("named %s has the gradients of stock layers, though its first layer skips one", (name) => {
    const { tf } = backend;
    const [ours, stock] = withModel(name, { classes: 3, inputShape: [16, 16, 2], seed: 5 }, (model) => {
      const images = tf.tensor4d(numbers(2 * 16 * 16 * 2, 8), [2, 16, 16, 2]);
      const gradients = () => {
        const { grads } = tf.variableGrads(() => {
          const logits = model.apply(images, { training: true }) as ReturnType<typeof tf.tensor2d>;
          return tf.losses.softmaxCrossEntropy(tf.oneHot([0, 2], 3), logits);
        });
        return Object.values(grads).map((gradient) => gradient.dataSync());
      };
      const found = gradients();
      const first = model.layers.find((layer) => layer.getClassName() === "Conv2D")!;
      // The method of the class, as a model that was loaded from a file has it.
      first.call = Object.getPrototypeOf(first).call as typeof first.call;
      return [found, gradients()];
    });
    expect(ours.length).toBeGreaterThan(7);
    for (const [i, gradient] of stock.entries()) expect(relativeError(ours[i]!, gradient)).toBeLessThan(1e-4);
  });

  it.each(CHEAP_NAMES)("named %s takes any activation, which changes its outputs and not its parameters", (name) => {
    const { tf } = backend;
    const made = ACTIVATIONS.map((activation) =>
      withModel(name, { classes: 3, inputShape: [16, 16, 1], activation }, (model) => {
        const images = tf.tensor4d(numbers(256, 4), [1, 16, 16, 1]);
        const logits = model.predict(images) as ReturnType<typeof tf.tensor2d>;
        return { params: model.countParams(), logits: [...logits.dataSync()].join() };
      }),
    );
    expect(new Set(made.map(({ params }) => params)).size).toBe(1);
    expect(new Set(made.map(({ logits }) => logits)).size).toBe(ACTIVATIONS.length);
  });

  it.each(ACTIVATIONS)("has the activation %s of PyTorch, and its gradient", (activation) => {
    const { tf } = backend;
    const { inputs, [activation]: expected } = TORCH.activations;
    const [outputs, gradients] = withModel("lenet", { ...DIGITS, activation }, (model) => {
      const layer = model.getLayer("dense1_activation");
      const [y, dx] = [(x: Tensor) => layer.apply(x) as Tensor, tf.grad((x) => tf.sum(layer.apply(x) as Tensor))].map(
        (f) => f(tf.tensor2d([[...inputs]])).dataSync(),
      );
      return [y, dx];
    });
    for (const [index, value] of expected.outputs.entries()) expect(outputs?.[index]).toBeCloseTo(value, 5);
    // At 0 the slope of a ramp is a choice.
    const slopes = [...expected.gradients.entries()].filter(([index]) => inputs[index] !== 0);
    for (const [index, value] of slopes) expect(gradients?.[index]).toBeCloseTo(value, 5);
  });

  it("refuses what it cannot be made for, and says what it can", () => {
    expect(() => createModel("vgg" as ModelName, DIGITS)).toThrow(
      /no such model; expected lenet or mini-resnet or resnet18/,
    );
    expect(() => createModel("lenet", { ...DIGITS, classes: 1 })).toThrow(/classes.*from 2 up, found 1/);
    expect(() => createModel("lenet", { ...DIGITS, seed: -1 })).toThrow(/seed.*from 0 up, found -1/);
    expect(() => createModel("lenet", { ...DIGITS, activation: "tanh" as "relu" })).toThrow(
      /no such activation; expected relu \| leakyRelu \| gelu \| swish, found tanh/,
    );
    expect(() => createModel("lenet", { ...DIGITS, inputShape: [15, 28, 1] })).toThrow(/at least 16 x 16.*found \[15/);
    expect(() => createModel("mini-resnet", { ...DIGITS, inputShape: [8, 8.5, 3] })).toThrow(/found \[8, 8\.5, 3\]/);
  });
});

describe("equal seeds give equal weights on", () => {
  let expected: string[];
  beforeAll(async () => (expected = await hashesOn("cpu")));

  it("cpu and wasm", async () => expect(await hashesOn("wasm")).toEqual(expected));
  it.skipIf(tensorflowSkip)("cpu and tensorflow", async () => expect(await hashesOn("tensorflow")).toEqual(expected));
});
