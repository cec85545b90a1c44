import { tempDir } from "@millrace/testkit";
import { evaluate, loadModel, saveModel, type TrainBatch, type TrainLoader, type WeightRule } from "@millrace/train";
import {
  calibrateActivations,
  centroidRule,
  combineRules,
  dequantizeModel,
  dequantizeTensor,
  fakeQuantRule,
  loadPackedModel,
  quantizeModel,
  refitCentroids,
  simulateActivations,
  writePackedModel,
  type ActivationRange,
  type CodebookWeights,
  type QuantizationOptions,
  type QuantizedModel,
  type QuantizedTensor,
} from "@millrace/train/compress";
import type { Tensor } from "@tensorflow/tfjs-core";
import { layers, sequential, type LayersModel } from "@tensorflow/tfjs-layers";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { millraceError } from "../../rejection.js";
import { STATISTICS } from "../../training/stripes.js";
import { model, useTraining, weightsOf } from "../../training/use-training.js";
import { disposed, edit, manyKinds, outputsOf } from "./models.js";

const training = useTraining();
const { stripes, run } = training;

function tensorOf(quantized: QuantizedModel, name: string): QuantizedTensor {
  return quantized.weights.find((tensor) => tensor.name === name) as QuantizedTensor;
}

describe("quantizeModel", () => {
  it("gives a scale to each output channel, wherever the kernels of a layer have them", async () => {
    const quantized = await quantizeModel(manyKinds(), { kind: "int8" });
    const axes = quantized.weights.map((tensor) => [
      tensor.name,
      tensor.kind,
      ...(tensor.kind === "int8" ? [tensor.axis, tensor.scales.length] : []),
    ]);
    expect(axes).toEqual([
      ["depthwise/depthwise_kernel", "int8", 2, 3],
      ["depthwise/bias", "float32"],
      ["inner_conv/kernel", "int8", 3, 4],
      ["inner_conv/bias", "float32"],
      ["separable/depthwise_kernel", "int8", 2, 4],
      ["separable/pointwise_kernel", "int8", 3, 5],
      ["separable/bias", "float32"],
      ["transposed/kernel", "int8", 2, 6],
      ["transposed/bias", "float32"],
      ["norm/gamma", "float32"],
      ["norm/beta", "float32"],
      ["norm/moving_mean", "float32"],
      ["norm/moving_variance", "float32"],
      ["dense/kernel", "int8", 1, 2],
      ["dense/bias", "float32"],
    ]);
  });

  it("keeps ignored layers as they are, and single layers as they are told", async () => {
    const { weights } = await quantizeModel(manyKinds(), {
      kind: "codebook",
      bits: 3,
      vectors: "float16",
      ignore: ["dense"],
      perLayer: new Map<string, Partial<QuantizationOptions>>([
        ["inner_conv", { kind: "int8", bits: 8, granularity: "tensor", symmetric: false, vectors: "float32" }],
        ["transposed", { kind: "product", bits: 4, vectorLength: 3 }],
      ]),
    });
    const kinds = new Map(weights.map(({ name, kind }) => [name, kind]));
    expect(["depthwise/depthwise_kernel", "depthwise/bias"].map((name) => kinds.get(name))).toEqual([
      "codebook",
      "float16",
    ]);
    expect(["inner_conv/kernel", "inner_conv/bias"].map((name) => kinds.get(name))).toEqual(["int8", "float32"]);
    expect(["transposed/kernel", "transposed/bias"].map((name) => kinds.get(name))).toEqual(["product", "float16"]);
    expect(["dense/kernel", "dense/bias"].map((name) => kinds.get(name))).toEqual(["float32", "float32"]);
  });

  it.each<[string, QuantizationOptions, string]>([
    ["kind", { kind: "int4" as never }, "option kind: impossible value; expected float32 | float16 | int8"],
    ["bits", { kind: "codebook", bits: 9 }, "option bits: impossible value; expected 1 to 8, found 9"],
    ["bits of int8", { kind: "int8", bits: 4 }, "option bits: impossible value; expected 8, found 4"],
    ["bits of vectors", { kind: "product", bits: 0.5 }, "expected 1 to 10, found 0.5"],
    ["vectorLength", { kind: "product", vectorLength: 65 }, "option vectorLength: impossible value"],
    ["seed", { kind: "product", seed: -1 }, "option seed: impossible seed"],
    ["a layer to ignore", { kind: "int8", ignore: ["nope"] }, "names the layer nope, which the model does not have"],
    [
      "an option of a layer",
      { kind: "int8", perLayer: new Map([["dense", { kind: "codebook", bits: 0 }]]) },
      "impossible value of the layer dense; expected 1 to 8, found 0",
    ],
  ])("refuses an impossible %s", async (_, options, words) => {
    const error = await millraceError(quantizeModel(manyKinds(), options));
    expect([error.code, error.message]).toEqual(["OPTION", expect.stringContaining(words) as string]);
  });

  it("refuses weights that are not finite, or too large for float16", async () => {
    const broken = model();
    await edit(broken, 0, (value, i) => (i === 3 ? Number.NaN : value));
    const { message } = await millraceError(quantizeModel(broken, { kind: "codebook" }));
    expect(message).toMatch(/kernel has the weight 3 that is NaN, not a finite number/u);
    await edit(broken, 0, (value, i) => (i === 3 ? 1e6 : value));
    const error = await millraceError(quantizeModel(broken, { kind: "float16" }));
    expect(error.message).toContain("has weights above 65504, the greatest of float16; put");
  });
});

describe("a quantised model", () => {
  it("becomes a plain model of TensorFlow.js again, by a packed file and by the exchange format", async () => {
    const original = manyKinds();
    const quantized = await quantizeModel(original, { kind: "int8" });
    const path = join(tempDir(), "model.packed");
    await writePackedModel(path, quantized);
    const packed = disposed(await loadPackedModel(path));
    const outputs = outputsOf(packed, [2, 8, 8, 3]);
    expect(outputs).toEqual(outputsOf(disposed(await dequantizeModel(quantized)), [2, 8, 8, 3]));
    for (const [i, value] of outputsOf(original, [2, 8, 8, 3]).entries())
      expect(Math.abs((outputs[i] as number) - value)).toBeLessThan(0.01);
    const dir = tempDir();
    await saveModel(packed, dir);
    expect(outputsOf(disposed(await loadModel(dir)), [2, 8, 8, 3])).toEqual(outputs);
  });

  it("is refused if its weights are not those of its layers", async () => {
    const quantized = await quantizeModel(model(), { kind: "float16" });
    const [first, ...others] = quantized.weights as [QuantizedTensor, ...QuantizedTensor[]];
    for (const [weights, words] of [
      [others, "is no model that can be built: its layers have more weights than there are, first "],
      [[{ ...first, shape: [1] }, ...others], "has 72 weights where its shape and kind ask for 1"],
    ] as const) {
      const error = await millraceError(dequantizeModel({ ...quantized, weights }, "some.packed"));
      expect([error.code, error.message]).toEqual(["STATE", expect.stringContaining(words) as string]);
      expect(error.message).toContain("some.packed");
    }
  });
});

describe("rules for fine-tuning", () => {
  it("combine: each gets what the one before made", () => {
    const { tf } = training.backend;
    const plus = (n: number): WeightRule => ({
      forward: (_, weight) => tf.add(weight, n),
      project: (_, weight) => tf.mul(weight, n),
    });
    const rule = combineRules(plus(1), { gradient: (_, gradient) => tf.neg(gradient) }, plus(10));
    const one = (part: keyof WeightRule): number =>
      tf.tidy(() => rule[part]?.("w", tf.scalar(2)).dataSync()[0] ?? Number.NaN);
    expect([one("forward"), one("gradient"), one("project")]).toEqual([13, -2, 20]);
    expect(combineRules({}, {})).toEqual({ forward: undefined, gradient: undefined, project: undefined });
  });

  it.each<QuantizationOptions>([
    { kind: "int8" },
    { kind: "int8", granularity: "tensor" },
    { kind: "int8", symmetric: false },
    { kind: "int8", symmetric: false, granularity: "tensor" },
  ])("fakeQuantRule shows the passes what quantizeModel would leave: %o", async (options) => {
    const { tf } = training.backend;
    const original = manyKinds();
    await edit(original, 0, (value, i) => (i % 3 === 1 ? 0 : value));
    const rule = fakeQuantRule(original, options);
    const quantized = await quantizeModel(original, options);
    for (const { originalName, ...weight } of original.weights.map((w) => ({
      originalName: w.originalName,
      value: w.read(),
    }))) {
      const seen = await tf.tidy(() => tf.clone(rule.forward?.(originalName, weight.value) as Tensor)).data();
      const expected = dequantizeTensor(tensorOf(quantized, originalName));
      for (const [i, value] of expected.entries()) expect(seen[i]).toBeCloseTo(value, 5);
    }
  });

  it("fakeQuantRule trains a model that int8 hardly changes", async () => {
    const loader = await stripes();
    const trained = model();
    const options = { kind: "int8", granularity: "tensor" } as const;
    await run({ model: trained, loader, epochs: 2, weightRule: fakeQuantRule(trained, options) });
    const rounded = disposed(await dequantizeModel(await quantizeModel(trained, options)));
    const validation = await stripes({ split: "val" });
    const measure = async (of: LayersModel) =>
      await evaluate({ loader: validation, model: of, backend: training.backend, statistics: STATISTICS });
    const [before, after] = [await measure(trained), await measure(rounded)];
    expect(Math.abs(after.loss - before.loss)).toBeLessThan(0.05);
  });

  it.each<QuantizationOptions>([
    { kind: "codebook", bits: 2 },
    { kind: "product", bits: 3, vectorLength: 2 },
  ])("centroidRule trains centroids, which go on being shared, and zeros stay zero: %o", async (options) => {
    const loader = await stripes();
    const pruned = model({ dropout: 0 });
    await edit(pruned, 0, (value, i) => (i % 2 === 0 ? 0 : value));
    const quantized = await quantizeModel(pruned, options);
    const tuned = disposed(await dequantizeModel(quantized));
    const tensors = training.backend.tf.memory().numTensors;
    using rule = centroidRule(quantized);
    const report = await run({ model: tuned, loader, epochs: 2, weightRule: rule });
    rule[Symbol.dispose]();
    expect(training.backend.tf.memory().numTensors).toBe(tensors);
    expect(report.epochs.at(-1)?.loss).toBeLessThan(0.9 * (report.epochs[0]?.loss ?? 0));
    const refit = await refitCentroids(tuned, quantized);
    const weights = await weightsOf(tuned);
    for (const [i, tensor] of refit.weights.entries()) {
      // The weights of the model are its centroids, to the bit: sharing was never lost.
      const own = weights[tuned.weights.findIndex((weight) => weight.originalName === tensor.name)] as Float32Array;
      expect(dequantizeTensor(tensor)).toEqual(own);
      expect((tensor as CodebookWeights).codes).toBe((quantized.weights[i] as CodebookWeights).codes);
      expect(i > 0 || own.every((value, at) => at % 2 === 1 || value === 0)).toBe(true);
    }
    expect(tensorOf(refit, refit.weights[0]?.name ?? "")).not.toEqual(quantized.weights[0]);
  });

  it("refitCentroids refuses another model, and reads the other kinds anew", async () => {
    const original = model();
    for (const kind of ["float32", "float16", "int8"] as const) {
      const quantized = await quantizeModel(original, { kind });
      expect(await refitCentroids(original, quantized)).toEqual(quantized);
    }
    const error = await millraceError(refitCentroids(manyKinds(), await quantizeModel(original, { kind: "codebook" })));
    expect(error.message).toContain("is another model than the quantised one");
  });
});

/** What calibration needs besides a model. */
async function calibration() {
  return { backend: training.backend, loader: await stripes(), statistics: STATISTICS };
}

describe("activations", () => {
  it("have ranges where an engine for int8 would store them: after batch norm and activation, and at the end", async () => {
    const original = model();
    const { ranges, samples } = await calibrateActivations({ ...(await calibration()), model: original, batches: 2 });
    expect(samples).toBe(64);
    const names = original.layers.map(({ name }) => name);
    expect([...ranges.keys()]).toEqual([names[2], names[6]]);
    expect(ranges.get(names[2] ?? "")?.min).toBe(0);
    const cut = await calibrateActivations({ ...(await calibration()), model: original, batches: 2, percentile: 90 });
    const [all, most] = [ranges, cut.ranges].map((map) => map.get(names[6] ?? "")) as [
      ActivationRange,
      ActivationRange,
    ];
    expect(most.max).toBeLessThan(all.max);
    expect(most.min).toBeGreaterThan(all.min);
  });

  it("are rounded to 256 levels in the simulation, which loses little, and leaves the model as it is", async () => {
    const { tf } = training.backend;
    const original = model();
    const loader = await stripes();
    await run({ model: original, loader, epochs: 2 });
    const weights = await weightsOf(original);
    const measured = await calibrateActivations({ ...(await calibration()), model: original });
    const simulated = disposed(await simulateActivations(original, measured));
    const validation = await stripes({ split: "val" });
    const losses = [];
    for (const one of [original, simulated])
      losses.push(
        (await evaluate({ loader: validation, model: one, backend: training.backend, statistics: STATISTICS })).loss,
      );
    expect(losses[1]).not.toBe(losses[0]);
    expect(Math.abs((losses[1] ?? 0) - (losses[0] ?? 0))).toBeLessThan(0.05);
    const outputs = tf.tidy(() =>
      (simulated.predict(tf.randomNormal([64, 12, 12, 1], 0, 3, "float32", 1)) as Tensor).dataSync(),
    );
    const range = measured.ranges.get(original.layers[6]?.name ?? "") as ActivationRange;
    const scale = (range.max - range.min) / 255;
    for (const value of outputs) {
      expect(Math.abs(value / scale - Math.round(value / scale))).toBeLessThan(1e-3);
      expect(value).toBeGreaterThanOrEqual(range.min - scale);
      expect(value).toBeLessThanOrEqual(range.max + scale);
    }
    expect(await weightsOf(original)).toEqual(weights);
  });

  it("pass gradients straight through where they are not cut off, so the simulation trains", async () => {
    const { tf } = training.backend;
    const original = disposed(
      sequential({
        layers: [layers.dense({ name: "d", inputShape: [2], units: 2, kernelInitializer: "identity", useBias: false })],
      }),
    );
    const ranges = new Map([["d", { min: -1, max: 1 }]]);
    const simulated = disposed(await simulateActivations(original, { ranges, samples: 1 }));
    const gradient = tf.grad((x) => tf.sum(simulated.apply(x) as Tensor));
    expect(tf.tidy(() => [...gradient(tf.tensor2d([[0.3, 2]])).dataSync()] as never)).toEqual([1, 0]);
    const trained = disposed(await simulateActivations(model(), { ranges: new Map(), samples: 1 }));
    const loader = await stripes();
    const { epochs } = await run({ model: trained, loader, epochs: 3 });
    expect(epochs.at(-1)?.loss).toBeLessThan(epochs[0]?.loss ?? 0);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ["samples of another shape", { model: "other" }, "expected [batch, 8, 8, 3], found [32, 12, 12, 1]"],
    ["a field that is not there", { imageField: "picture" }, "batches have no field picture; expected image | label"],
    ["no samples", { loader: "empty" }, "yields no batch to calibrate with"],
    ["no batches", { batches: 0 }, "option batches: impossible number of batches"],
    ["an impossible percentile", { percentile: 49 }, "option percentile: impossible percentile; expected 50 to 100"],
  ])("are not calibrated with %s", async (_, change, words) => {
    const empty: TrainLoader = { async *[Symbol.asyncIterator](): AsyncGenerator<TrainBatch> {} };
    const given = { ...(await calibration()), model: model(), ...change };
    const used = {
      ...given,
      ...(change["model"] === "other" ? { model: manyKinds() } : {}),
      ...(change["loader"] === "empty" ? { loader: empty } : {}),
    };
    const before = training.backend.tf.memory().numTensors;
    const error = await millraceError(calibrateActivations(used));
    expect([error.code, error.message]).toEqual(["OPTION", expect.stringContaining(words) as string]);
    expect(training.backend.tf.memory().numTensors).toBe(before);
  });

  it("that are not finite end the calibration, naming the layer", async () => {
    const broken = model();
    const dense = broken.weights.findIndex(({ originalName }) => /dense\S*kernel$/u.test(originalName));
    await edit(broken, dense, () => Number.POSITIVE_INFINITY);
    const error = await millraceError(calibrateActivations({ ...(await calibration()), model: broken }));
    expect(error.message).toMatch(/the layer dense\S* gave a number that is not finite/u);
  });
});
