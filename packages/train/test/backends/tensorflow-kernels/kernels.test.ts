import type { Backend, BackendName } from "@millrace/train";
import { count, SEED } from "@millrace/testkit";
import type { Tensor, Tensor4D, Variable } from "@tensorflow/tfjs-core";
import { initializers, layers, sequential } from "@tensorflow/tfjs-layers";
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { numbers, onBackend, relativeError, tensorflowSkip } from "../on-backend.js";

type Arrays = readonly ArrayLike<number>[];

function expectSame(expected: Arrays, found: Arrays, limit = 1e-5): void {
  expect(found.length).toBe(expected.length);
  for (const [i, array] of expected.entries()) expect(relativeError(found[i]!, array)).toBeLessThan(limit);
}

type NormConfig = Parameters<typeof layers.batchNormalization>[0];

interface NormCase {
  readonly shape: readonly number[];
  readonly config: NormConfig;
}

/** Outputs, gradients of input, scale and offset, and moving averages of two training steps, then an inference. */
function trainNorm({ tf }: Backend, { shape, config }: NormCase): Arrays {
  const [, ...perSample] = shape;
  const layer = layers.batchNormalization({
    gammaInitializer: initializers.randomUniform({ minval: 0.5, maxval: 2, seed: 1 }),
    betaInitializer: initializers.randomNormal({ seed: 2 }),
    ...config,
  });
  const model = sequential({ layers: [layers.inputLayer({ inputShape: perSample }), layer] });
  const size = shape.reduce((product, length) => product * length, 1);
  const found: ArrayLike<number>[] = [];
  for (let step = 0; step < 2; step++) {
    const x = tf.tidy(() => tf.variable(tf.tensor(numbers(size, step, 0.5), [...shape])));
    const weights = [x, ...model.trainableWeights.map((weight) => weight.read() as Variable)];
    const toward = tf.tensor(numbers(size, 9 + step), [...shape]);
    let y: Tensor | undefined;
    const { value, grads } = tf.variableGrads(() => {
      y = tf.keep(model.apply(x, { training: true }) as Tensor);
      return tf.sum(tf.mul(toward, y));
    }, weights);
    found.push(y!.dataSync(), ...weights.map((weight) => grads[weight.name]!.dataSync()));
    tf.dispose([x, toward, y!, value, grads]);
  }
  found.push(...model.weights.map((weight) => weight.read().dataSync()));
  const still = tf.tidy(() => (model.predict(tf.tensor(numbers(size, 5), [...shape])) as Tensor).dataSync());
  const left = tf.engine().state.numTensors - model.weights.length;
  model.dispose();
  return [...found, still, [left]];
}

const NORMS = new Map<string, NormCase>([
  ["images", { shape: [4, 5, 6, 3], config: { momentum: 0.9 } }],
  ["one image", { shape: [1, 2, 3, 4], config: {} }],
  ["rows of features", { shape: [7, 5], config: { momentum: 0.5, epsilon: 1e-5 } }],
  ["sequences", { shape: [2, 6, 3], config: { momentum: 0.8 } }],
  ["the last axis by its number", { shape: [2, 3, 4, 5], config: { axis: 3 } }],
]);

function reluGradient({ tf }: Backend): Arrays {
  return tf.tidy(() => {
    const x = tf.tensor1d([-2, -0, 0, 1e-30, 3, ...numbers(100, 1)]);
    return [
      tf
        .grad((z: Tensor) => tf.sum(tf.mul(tf.relu(z), x)))(x)
        .dataSync(),
    ];
  });
}

const pooling = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  height: fc.integer({ min: 3, max: 7 }),
  width: fc.integer({ min: 3, max: 7 }),
  channels: fc.integer({ min: 1, max: 5 }),
  size: fc.constantFrom(2, 2, 2, 3),
  strides: fc.constantFrom(2, 2, 1),
  pad: fc.constantFrom<("valid" | "same")[]>("valid", "same"),
  levels: fc.constantFrom(1, 2, 5, 1000),
  seed: fc.nat(1000),
});

function maxPoolGradients({ tf }: Backend): Arrays {
  return fc.sample(pooling, { seed: SEED, numRuns: count(60, 1000) }).map((each) =>
    tf.tidy(() => {
      const { batch, height, width, channels, size, strides, pad, levels, seed } = each;
      const values = numbers(batch * height * width * channels, seed).map((value) => Math.round(value * levels));
      const x = tf.tensor4d(values, [batch, height, width, channels]);
      const pool = (images: Tensor4D) => tf.maxPool(images, size, strides, pad);
      const { shape, size: length } = pool(x);
      const toward = tf.tensor4d(numbers(length, seed + 1), shape);
      return tf
        .grad((images) => tf.sum(tf.mul(pool(images as Tensor4D), toward)))(x)
        .dataSync();
    }),
  );
}

interface Found {
  readonly norms: ReadonlyMap<string, Arrays>;
  readonly relu: Arrays;
  readonly pools: Arrays;
}

const everything = (name: BackendName): Promise<Found> =>
  onBackend(name, (backend) => ({
    norms: new Map([...NORMS].map(([what, each]) => [what, trainNorm(backend, each)])),
    relu: reluGradient(backend),
    pools: maxPoolGradients(backend),
  }));

describe.skipIf(tensorflowSkip)("training on tensorflow equals cpu", () => {
  let expected: Found;
  let found: Found;
  beforeAll(async () => {
    expected = await everything("cpu");
    found = await everything("tensorflow");
  });

  it.each([...NORMS.keys()])("in batch norm of %s: outputs, gradients, moving averages", (what) => {
    expectSame(expected.norms.get(what)!, found.norms.get(what)!);
  });

  it("in the gradient of ReLU, at zero, too", () => expectSame(expected.relu, found.relu));

  it("in the gradient of max pooling, where windows hold their maximum more than once, too", () => {
    expectSame(expected.pools, found.pools);
  });
});
