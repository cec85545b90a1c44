import { train, type BackendName, type TrainLoader } from "@millrace/train";
import { initializers, layers, model as makeModel, input, type LayersModel } from "@tensorflow/tfjs-layers";
import { describe, expect, it } from "vitest";
import { onBackend, relativeError, tensorflowSkip } from "../backends/on-backend.js";
import { poisoned, SIZE } from "./poisoned.js";
import { weightsOf } from "./use-training.js";

const kernelInitializer = initializers.glorotUniform({ seed: 4 });

/** Averages that are far from those of any batch. */
function norm(name: string): ReturnType<typeof layers.batchNormalization> {
  const movingMeanInitializer = initializers.constant({ value: 0.3 });
  const movingVarianceInitializer = initializers.constant({ value: 2 });
  return layers.batchNormalization({ name, movingMeanInitializer, movingVarianceInitializer, momentum: 0.5 });
}

interface Made {
  readonly model: LayersModel;
  readonly inner: LayersModel;
}

/** A convolution, a frozen norm, a model inside with a norm, a norm that trains, and a head. */
function make(freezesInner: boolean): Made {
  const image = input({ shape: [SIZE, SIZE, 1] });
  const start = input({ shape: [SIZE, SIZE, 4] });
  const inner = makeModel({ inputs: start, outputs: norm("inner").apply(start) as typeof start, name: "base" });
  const conv = layers.conv2d({
    filters: 4,
    kernelSize: 3,
    padding: "same",
    useBias: false,
    name: "conv",
    kernelInitializer,
  });
  const frozen = norm("frozen");
  const head = layers.dense({ units: 3, name: "head", kernelInitializer });
  const features = norm("trained").apply(inner.apply(frozen.apply(conv.apply(image))));
  const pooled = layers.globalAveragePooling2d({}).apply(layers.reLU().apply(features));
  const model = makeModel({ inputs: image, outputs: head.apply(pooled) as typeof image });
  frozen.trainable = false;
  if (freezesInner) inner.trainable = false;
  return { model, inner };
}

async function trained(name: BackendName, freezesInner: boolean): Promise<ReadonlyMap<string, Float32Array>> {
  return await onBackend(name, async (backend) => {
    const { model } = make(freezesInner);
    const loader: TrainLoader = poisoned(3, -1, 0);
    await train({ loader, model, backend, epochs: 1, optimizer: "sgd", learningRate: 0.1, schedule: "constant" });
    const data = await weightsOf(model);
    const names = model.weights.map(({ originalName }) => originalName);
    const own = model.getLayer("frozen");
    expect(Object.hasOwn(own, "call")).toBe(false);
    model.dispose();
    return new Map(names.map((weight, index) => [weight, data[index] as Float32Array]));
  });
}

/** The largest relative difference from what training on cpu gives. */
async function differenceOf(weights: ReadonlyMap<string, Float32Array>): Promise<number> {
  const expected = await trained("cpu", true);
  return Math.max(...[...weights].map(([name, data]) => relativeError(data, expected.get(name) ?? [])));
}

describe("batch normalisation that does not train", () => {
  it("keeps its averages, and trains what is before and behind it as on cpu, on wasm", async () => {
    const weights = await trained("wasm", true);
    for (const norms of ["frozen", "inner"]) {
      expect(weights.get(`${norms}/moving_mean`)).toEqual(new Float32Array(4).fill(0.3));
      expect(weights.get(`${norms}/moving_variance`)).toEqual(new Float32Array(4).fill(2));
    }
    expect(weights.get("trained/moving_mean")).not.toEqual(new Float32Array(4).fill(0.3));
    expect(await differenceOf(weights)).toBeLessThan(1e-5);
  });

  it.skipIf(tensorflowSkip)("does the same on tensorflow", async () => {
    expect(await differenceOf(await trained("tensorflow", true))).toBeLessThan(1e-5);
  });

  it("moves with the batches where its model is not frozen", async () => {
    const weights = await trained("wasm", false);
    expect(weights.get("inner/moving_mean")).not.toEqual(new Float32Array(4).fill(0.3));
  });
});
