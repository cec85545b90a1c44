import { resize, type Loader } from "@millrace/loader";
import { evaluate } from "@millrace/train";
import {
  compressModel,
  dequantizeModel,
  lampScores,
  maskWeights,
  measureLink,
  unpackModel,
  type CompressOptions,
  type CompressProgress,
  type CompressReport,
} from "@millrace/train/compress";
import {
  input as tfInput,
  layers,
  model as tfModel,
  sequential,
  type LayersModel,
  type SymbolicTensor,
} from "@tensorflow/tfjs-layers";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { millraceError, rejection } from "../rejection.js";
import { makeModel } from "../training/stripes.js";
import { useTraining, weightsOf } from "../training/use-training.js";

const training = useTraining();
const { stripes, run } = training;
/** Trained before the first test. */
let trained: LayersModel;
let isTrained = false;

// A loader is closed at the end of the test that opens it, so the model is trained before each, but once.
beforeEach(async () => {
  if (isTrained) return;
  isTrained = true;
  trained = makeModel({ dropout: 0 });
  await run({ model: trained, epochs: 4, statistics: undefined, loader: await stripes() });
});

interface Tried {
  readonly report: CompressReport;
  readonly packed: Uint8Array | undefined;
  readonly told: CompressProgress[];
  readonly validation: Loader;
}

async function compress(change: Partial<CompressOptions>): Promise<Tried> {
  const told: CompressProgress[] = [];
  const validation = await stripes({ split: "val", batchSize: 60 });
  const loader = await stripes();
  const { report, packed } = await compressModel({
    model: trained,
    backend: training.backend,
    loader,
    validation,
    maxAccuracyDrop: 0.1,
    filterShares: [1, 0.5],
    sparsities: [0, 0.5],
    bits: [8, 5],
    learningRate: 0.01,
    speedSeconds: 0.05,
    onProgress: (progress) => told.push(progress),
    ...change,
  });
  return { report, packed, told, validation };
}

describe("compressModel", () => {
  it("returns the smallest model within the loss, with its accuracy as measured, and leaves the given one alone", async () => {
    const { backend } = training;
    const before = await weightsOf(trained);
    const tensors = backend.tf.memory().numTensors;
    const { report, packed, told, validation } = await compress({ facts: [{ name: "of", value: "a test" }] });
    expect(backend.tf.memory().numTensors).toBe(tensors);
    expect(await weightsOf(trained)).toEqual(before);
    expect(report.facts).toEqual([{ name: "of", value: "a test" }]);
    expect(report.chosen).toMatchObject({ filterShare: 0.5, sparsity: 0.5 });
    const within = report.candidates.filter(({ outcome }) => outcome === "within");
    expect(packed).toHaveLength(Math.min(...within.map(({ model }) => model?.bytes.packed ?? Infinity)));
    expect(report.after).toMatchObject({ accuracy: { samples: 60 }, bytes: { packed: packed?.length } });
    expect(report.before.accuracy.value - (report.after?.accuracy.value ?? 0)).toBeLessThanOrEqual(0.1);
    const model = await dequantizeModel(unpackModel(packed as Uint8Array));
    const { accuracy } = await evaluate({ loader: validation, model, backend });
    expect(accuracy).toBe(report.after?.accuracy.value);
    expect(report.after?.parameters).toBe(model.countParams());
    model.dispose();
    expect(report.after?.macs).toBeLessThan(report.before.macs);
    expect(report.after?.nonZero).toBeLessThan(0.6 * (report.after?.parameters ?? 0));
    for (const speed of [report.before.speed, report.after?.speed]) {
      expect(speed?.latency.map(({ batchSize }) => batchSize)).toEqual([1, 64]);
      expect(speed?.peakMemoryBytes).toBeGreaterThan(4 * 64 * 144);
    }
    expect(told.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["before", "training", "candidate", "speed"]));
  });

  it("does not try what cannot become the smallest, unless it is to show the whole front", async () => {
    const { report } = await compress({});
    const skipped = report.candidates.filter(({ outcome }) => outcome === "skipped");
    expect(skipped.length).toBeGreaterThan(0);
    for (const { reason } of skipped) expect(reason).toMatch(/^cannot be smaller than filters 0\.5/u);
    const all = await compress({ exhaustive: true });
    expect(all.report.candidates.map(({ outcome }) => outcome)).not.toContain("skipped");
    expect(all.report.candidates).toHaveLength(8);
    expect(all.report.candidates.some(({ isOnFront }) => isOnFront)).toBe(true);
  });

  it("does not try what is harsher than what has lost too much, and returns nothing where nothing is enough", async () => {
    const { report, packed } = await compress({
      maxAccuracyDrop: 0.05,
      filterShares: [1],
      sparsities: [0.98, 0.99],
      bits: [8, 4],
      learningRate: 1e-9,
    });
    expect(packed).toBeUndefined();
    expect([report.chosen, report.after]).toEqual([undefined, undefined]);
    const outcomes = report.candidates.map(({ setting, outcome }) => [setting.sparsity, setting.bits, outcome]);
    expect(outcomes).toEqual([
      [0.98, 32, "lost"],
      [0.98, 8, "skipped"],
      [0.98, 4, "skipped"],
      [0.99, 8, "skipped"],
      [0.99, 4, "skipped"],
    ]);
    expect(report.candidates[4]?.reason).toBe("filters 1, sparsity 0.98, 32 bits has lost too much");
  });

  it("gives centroids a fine-tuning where rounding has lost too much", async () => {
    const { report } = await compress({
      filterShares: [1],
      sparsities: [0],
      bits: [4],
      maxAccuracyDrop: 0,
      epochs: 2,
    });
    const reasons = report.candidates.map(({ reason }) => reason);
    expect(reasons).toEqual([expect.stringMatching(/^(?:rounded|with its centroids fine-tuned), it loses/u)]);
  });

  it("says what limits its figures, and that zeros do not make a forward pass faster", async () => {
    const { report } = await compress({ maxAccuracyDrop: 0.02, filterShares: [1], sparsities: [0], bits: [16] });
    expect(report.warnings.map(({ code }) => code)).toContain("few-samples");
    expect(report.warnings[0]?.text).toMatch(/measured on 60 samples.*2\.00.*Validate on more samples/u);
  });

  it.each([
    [{ maxAccuracyDrop: 1 }, /option maxAccuracyDrop.*0\.01, found 1/u],
    [{ maxAccuracyDrop: Number.NaN }, /option maxAccuracyDrop/u],
    [{ filterShares: [0] }, /option filterShares.*above 0 to 1, found 0/u],
    [{ filterShares: [] }, /option filterShares.*at least one/u],
    [{ sparsities: [1] }, /option sparsities.*less than 1, found 1/u],
    [{ bits: [3] }, /option bits.*32, 16, 8.*found 3/u],
    [{ epochs: 0 }, /option epochs/u],
    [{ speedSeconds: 0 }, /option speedSeconds/u],
    [{ learningRate: 0 }, /option learningRate/u],
    [{ ignore: ["nosuch"] }, /option ignore.*found nosuch/u],
  ])("refuses %o", async (change, message) => {
    expect((await millraceError(compress(change))).message).toMatch(message);
  });

  it("prunes only weights where there are no filters to remove, says so, and refuses shares of filters", async () => {
    const model = sequential({ layers: [layers.flatten({ inputShape: [12, 12, 1] }), layers.dense({ units: 4 })] });
    onTestFinished(() => void model.dispose());
    const change = { model, maxAccuracyDrop: 0.99, sparsities: [0.5], bits: [8] };
    const { report } = await compress({ ...change, filterShares: undefined });
    expect(report.chosen).toEqual({ filterShare: 1, sparsity: 0.5, bits: 8 });
    expect(report.warnings.map(({ code }) => code)).toContain("no-filters");
    expect((await millraceError(compress(change))).message).toMatch(
      /option filterShares: the model has no filters that can be removed; found shares 1, 0\.5; leave it out/u,
    );
  });

  it("refuses a model of several outputs, naming them", async () => {
    const input = tfInput({ shape: [12, 12, 1] });
    const flat = layers.flatten().apply(input) as SymbolicTensor;
    const outputs = [3, 4].map((units) => layers.dense({ units }).apply(flat) as SymbolicTensor);
    const model = tfModel({ inputs: input, outputs });
    onTestFinished(() => void model.dispose());
    expect((await millraceError(compress({ model }))).message).toMatch(
      /no classifier of images; .* found \[any, 12, 12, 1\] and \[any, 3\] and \[any, 4\]; save the part of it/u,
    );
  });

  it("refuses images of another shape, naming both", async () => {
    const wrong = await stripes({ split: "val", transforms: [resize(8)] });
    const error = await millraceError(compress({ validation: wrong }));
    expect(error.message).toMatch(/expected \[batch, 12, 12, 1\], found \[\d+, 8, 8, 1\]/u);
  });

  it("ends with the signal's reason, and leaves no tensor", async () => {
    const { tf } = training.backend;
    const tensors = tf.memory().numTensors;
    for (const kind of ["before", "training", "candidate", "speed"]) {
      const controller = new AbortController();
      const reason = new Error("enough");
      const onProgress = (progress: CompressProgress): void => {
        if (progress.kind === kind) controller.abort(reason);
      };
      expect(await rejection(compress({ signal: controller.signal, onProgress }))).toBe(reason);
      expect(tf.memory().numTensors).toBe(tensors);
    }
  });
});

describe("lampScores", () => {
  it("is a weight's square over the squares of its tensor that are not smaller, so that no layer is emptied", async () => {
    const scores = await lampScores(trained);
    for (const weight of trained.weights) {
      const squares = Array.from(await weight.read().data(), (value) => value ** 2);
      const expected = squares.map(
        (square) => square / squares.reduce((sum, other) => sum + (other >= square ? other : 0), 0),
      );
      const found = [...(scores.get(weight.originalName) ?? [])];
      expect(found).toHaveLength(squares.length);
      expect(Math.max(0, ...found.map((score, at) => Math.abs(score - (expected[at] || 0))))).toBeLessThan(1e-5);
    }
    const masks = await maskWeights(trained, { sparsity: 0.99, scores });
    for (const { keep } of masks.values()) expect(keep).toContain(1);
  });
});

describe("measureLink", () => {
  it("profiles both models, predicts by the measured ratio, and measures the smaller one in a run", async () => {
    const { packed } = await compress({ filterShares: [0.5], sparsities: [0], bits: [8] });
    const after = await dequantizeModel(unpackModel(packed as Uint8Array));
    const loader = await stripes();
    const { backend } = training;
    const link = await measureLink({ before: trained, after, backend, loader, steps: 5, phaseSeconds: 0.05 });
    after.dispose();
    expect(link?.setting).toEqual({ numWorkers: 0, prefetchDepth: 0 });
    expect(link?.latencyRatio).toBeGreaterThan(0);
    expect(link?.measuredPerSec).toBeGreaterThan(0);
    expect(link?.text).toMatch(/a model becomes input-bound at|No limit/u);
  });
});
