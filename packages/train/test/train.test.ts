import { openLoader, shuffle, type Loader } from "@millrace/loader";
import {
  createModelStep,
  evaluate,
  profile,
  readCheckpoint,
  selectBackend,
  train,
  type Backend,
  type StepsProgress,
  type TrainLoader,
  type TrainOptions,
  type TrainProgress,
} from "@millrace/train";
import { tempDir } from "@millrace/testkit";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { mkdtempSync, rmSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { millraceError, rejection } from "./rejection.js";
import { makeModel, makeStripes, STATISTICS } from "./training/stripes.js";

let backend: Backend;
const folder = mkdtempSync(join(tmpdir(), "millrace-train-"));

beforeAll(async () => {
  ({ backend } = await selectBackend("wasm"));
  await makeStripes(join(folder, "data"), { train: 200, val: 60 });
});

afterAll(async () => {
  await backend.close();
  rmSync(folder, { recursive: true });
});

/** A loader over the stripes that is closed when the test ends. */
async function stripes(options: Parameters<typeof openLoader>[1] = {}): Promise<Loader> {
  const defaults = { batchSize: 32, order: shuffle({ seed: 3 }), numWorkers: 0 };
  const loader = await openLoader(join(folder, "data"), { ...defaults, ...options });
  onTestFinished(() => loader.close());
  return loader;
}

/** A model that is disposed when the test ends. */
function model(options: Parameters<typeof makeModel>[0] = {}): LayersModel {
  const made = makeModel(options);
  onTestFinished(() => {
    made.dispose();
  });
  return made;
}

/** Losses step by step, and what else was told. */
function listener(): {
  readonly told: TrainProgress[];
  losses: () => number[];
  listen: (progress: TrainProgress) => void;
} {
  const told: TrainProgress[] = [];
  const steps = (): StepsProgress[] => told.filter((progress) => progress.kind === "steps");
  return { told, losses: () => steps().map(({ loss }) => loss), listen: (progress) => told.push(progress) };
}

async function run(options: Partial<TrainOptions>): ReturnType<typeof train> {
  return await train({
    loader: options.loader ?? (await stripes()),
    model: options.model ?? model(),
    backend,
    epochs: 2,
    learningRate: 0.01,
    statistics: STATISTICS,
    ...options,
  });
}

/** A step function that does nothing. */
function constantLoss(): { readonly loss: number } {
  return { loss: 1 };
}

async function weightsOf(trained: LayersModel): Promise<Float32Array[]> {
  const data: Float32Array[] = [];
  for (const weight of trained.weights) data.push(Float32Array.from(await weight.read().data()));
  return data;
}

describe("train", () => {
  it("reaches a high accuracy on a small dataset with wasm, and says where the time went", async () => {
    const validation = await stripes({ split: "val", batchSize: 25 });
    const { told, listen } = listener();
    const report = await run({ loader: await stripes({ numWorkers: 1 }), validation, epochs: 5, onProgress: listen });
    expect(report.epochs).toHaveLength(5);
    expect(report.epochs.at(-1)?.validation?.accuracy).toBeGreaterThanOrEqual(0.95);
    expect(report.epochs.at(-1)?.validation?.samples).toBe(60);
    const { stall, copy, compute, other, wall, steps } = report.budget;
    expect(steps).toBe(35);
    expect(stall.sumMs + copy.sumMs + compute.sumMs + other.sumMs).toBeCloseTo(wall.sumMs, 6);
    expect(compute.fraction).toBeGreaterThan(0);
    expect(report.facts[0]).toMatchObject({ name: "backend", value: expect.stringContaining("wasm") as string });
    const rest = told.map(({ kind }) => kind).filter((kind) => kind !== "steps");
    expect(rest).toEqual(Array.from({ length: 5 }, () => ["validation", "epoch"]).flat());
    expect(told.at(-3)).toMatchObject({ kind: "steps", epoch: 4, step: 35, totalSteps: 35 });
  });

  it("leaves the start of the workers out of the verdict, but not out of the budget", async () => {
    let batches = 0;
    const clock = { nowMs: 0, now: (): number => clock.nowMs };
    const loader: TrainLoader = {
      async *[Symbol.asyncIterator]() {
        for (let n = 0; n < 50; n++) {
          clock.nowMs += batches++ === 0 ? 5000 : 0;
          yield await Promise.resolve({ size: 1, fields: {} });
        }
      },
    };
    const step = (): { loss: number } => {
      clock.nowMs += 20;
      return { loss: 1 };
    };
    const { verdict, budget } = await run({ loader, model: step, schedule: "constant", epochs: 1, clock });
    expect(verdict).toMatchObject({ kind: "compute-bound", stallInterval: { low: 0, high: 0 } });
    expect(budget).toMatchObject({ stall: { sumMs: 5000 }, compute: { sumMs: 1000 } });
  });

  it("fences and tells after every fenceEvery steps, and at the end of an epoch", async () => {
    const { told, listen } = listener();
    const report = await run({ fenceEvery: 3, onProgress: listen });
    const steps = told.filter(({ kind }) => kind === "steps");
    expect(steps.map((progress) => (progress as StepsProgress).step)).toEqual([3, 6, 7, 9, 12, 14]);
    expect(report.cost.fences).toBe(6);
  });

  it("takes a short last batch", async () => {
    const report = await run({ loader: await stripes({ batchSize: 48 }), epochs: 1 });
    expect(report.epochs).toMatchObject([{ epoch: 0, steps: 5 }]);
    expect(report.throughput.samplesPerSec).toBeCloseTo((200 * 1000) / report.budget.wall.sumMs, 6);
  });

  it("leaves no tensors behind but the model's", async () => {
    const trained = model();
    const { tf } = backend;
    const before = tf.memory().numTensors;
    await run({ model: trained, validation: await stripes({ split: "val" }) });
    expect(tf.memory().numTensors).toBe(before);
  });

  it("throws the signal's reason when it aborts in mid-training, and leaves no tensors", async () => {
    const trained = model();
    const before = backend.tf.memory().numTensors;
    const controller = new AbortController();
    const reason = new Error("enough");
    const onProgress = (progress: TrainProgress): void => {
      if (progress.kind === "steps" && progress.step === 4) controller.abort(reason);
    };
    const running = run({ model: trained, fenceEvery: 2, onProgress, signal: controller.signal, epochs: 50 });
    expect(await rejection(running)).toBe(reason);
    expect(backend.tf.memory().numTensors).toBe(before);
  });

  it("goes on after an abort with the same losses and ends with the same weights, bit for bit", async () => {
    const whole = listener();
    const wholeModel = model();
    await run({ model: wholeModel, fenceEvery: 1, onProgress: whole.listen });

    const dir = tempDir();
    const controller = new AbortController();
    const part = listener();
    const onProgress = (progress: TrainProgress): void => {
      part.listen(progress);
      if (progress.kind === "steps" && progress.step === 5) controller.abort();
    };
    await rejection(run({ fenceEvery: 1, onProgress, signal: controller.signal, checkpoint: { dir } }));
    expect(part.told.at(-1)).toMatchObject({ kind: "checkpoint", step: 5 });

    const resume = await readCheckpoint(dir);
    const rest = listener();
    const restModel = model();
    const loader = await stripes({ state: resume.loaderState ?? undefined, batchSize: 32 });
    const report = await run({ loader, model: restModel, resume, fenceEvery: 1, onProgress: rest.listen });
    expect(report.firstStep).toBe(5);
    expect([...part.losses(), ...rest.losses()]).toEqual(whole.losses());
    expect(await weightsOf(restModel)).toEqual(await weightsOf(wholeModel));
  });

  it("writes checkpoints every so many steps or epochs, and keeps the newest", async () => {
    const dir = tempDir();
    await run({ checkpoint: { dir, everySteps: 3, keep: 2 } });
    expect((await readdir(dir)).toSorted()).toEqual([
      "checkpoint-00000009.safetensors",
      "checkpoint-00000012.safetensors",
    ]);
    const other = tempDir();
    const report = await run({ checkpoint: { dir: other, everyEpochs: 2 } });
    expect(await readdir(other)).toEqual(["checkpoint-00000014.safetensors"]);
    expect(report.checkpoint).toBe(join(other, "checkpoint-00000014.safetensors"));
  });

  it("refuses a checkpoint where the loader does not stand, or of another model or optimizer", async () => {
    const dir = tempDir();
    await run({ epochs: 1, checkpoint: { dir } });
    const resume = await readCheckpoint(dir);
    const loader = await stripes({ state: resume.loaderState ?? undefined });
    expect((await millraceError(run({ resume }))).message).toContain("open the loader with the option state");
    expect((await millraceError(run({ loader, resume, optimizer: "sgd" }))).message).toContain("another optimizer");
    const fewer = { ...resume, weights: resume.weights.slice(1) };
    expect((await millraceError(run({ loader, resume: fewer }))).message).toContain("another model");
  });

  it("stops at a loss that is not finite, and names the step, its samples and the way out", async () => {
    const trained = model();
    const before = backend.tf.memory().numTensors;
    const error = await millraceError(
      run({ model: trained, optimizer: "sgd", learningRate: 1e38, schedule: "constant" }),
    );
    expect(error.detail.reason).toBe("LOSS_NOT_FINITE");
    expect(error.message).toMatch(
      /^the loss of step \d is (NaN|-?Infinity), in the batch of the samples (\d+, ){31}\d+; expected/u,
    );
    expect(error.message).toContain("lower learningRate");
    expect(backend.tf.memory().numTensors).toBe(before);
  });

  it("stops at values in the data that are no numbers, at their own step", async () => {
    const pixels = new Float32Array(2 * 144).fill(0.5);
    const label = { data: Int32Array.of(0, 1), dtype: "int32", shape: [2] } as const;
    const loader: TrainLoader = {
      async *[Symbol.asyncIterator]() {
        for (let n = 0; n < 10; n++) {
          const data = n === 6 ? pixels.with(200, Number.NaN) : pixels;
          const image = { data, dtype: "float32", shape: [2, 12, 12, 1] } as const;
          yield await Promise.resolve({ size: 2, indices: Uint32Array.of(2 * n, 2 * n + 1), fields: { image, label } });
        }
      },
    };
    const error = await millraceError(run({ loader, schedule: "constant" }));
    expect(error.message).toContain("the loss of step 6 is NaN, in the batch of the samples 12, 13;");
  });

  it("gives the same losses each time, dropout included, and others with another seed", async () => {
    const losses: number[][] = [];
    for (const seed of [5, 5, 6]) {
      const { losses: read, listen } = listener();
      await run({ seed, fenceEvery: 1, epochs: 1, onProgress: listen, model: model({ dropout: 0.5 }) });
      losses.push(read());
    }
    expect(losses[1]).toEqual(losses[0]);
    expect(losses[2]).not.toEqual(losses[0]);
  });

  it("takes a model that ends in a softmax like one that gives logits", async () => {
    const losses: number[][] = [];
    for (const isSoftmax of [false, true]) {
      const { losses: read, listen } = listener();
      await run({ fenceEvery: 1, epochs: 1, onProgress: listen, model: model({ isSoftmax, dropout: 0 }) });
      losses.push(read());
    }
    for (const [step, loss] of (losses[0] ?? []).entries()) expect(losses[1]?.[step]).toBeCloseTo(loss, 3);
  });

  it("runs a step function, whose uploads count as copy", async () => {
    const rates: number[] = [];
    const report = await run({
      model: async (batch, { copy, learningRate }) => {
        copy(() => undefined);
        rates.push(learningRate);
        return await Promise.resolve({ loss: backend.tf.scalar(0.5), correct: batch.size / 2 });
      },
      schedule: "constant",
      warmupSteps: 2,
    });
    expect(rates.slice(0, 3)).toEqual([0.005, 0.01, 0.01]);
    expect(report.epochs).toMatchObject([
      { loss: 0.5, accuracy: 0.5 },
      { loss: 0.5, accuracy: 0.5 },
    ]);
  });

  it("trains on any iterable of batches that can be begun again, with a constant rate", async () => {
    const batch = { size: 2, fields: {} };
    const loader: TrainLoader = {
      async *[Symbol.asyncIterator]() {
        yield await Promise.resolve(batch);
        yield batch;
      },
    };
    const report = await run({ loader, model: constantLoss, schedule: "constant" });
    expect(report.epochs).toMatchObject([
      { steps: 2, accuracy: undefined },
      { steps: 2, accuracy: undefined },
    ]);
    expect((await millraceError(run({ loader, model: constantLoss }))).detail.option).toBe("schedule");
  });

  it("names both shapes before the first step if the images do not fit the model", async () => {
    const data = await makeStripes(tempDir(), { train: 8 });
    const { resize } = await import("@millrace/loader");
    const loader = await openLoader(data, { numWorkers: 0, transforms: [resize(20)] });
    onTestFinished(() => loader.close());
    const error = await millraceError(run({ loader }));
    expect(error.message).toContain("expected [batch, 12, 12, 1], found [8, 20, 20, 1]");
  });

  it("names the sample whose label is out of range", async () => {
    const labels = { data: Int32Array.of(0, 4), dtype: "int32", shape: [2] } as const;
    const image = { data: new Uint8Array(2 * 144), dtype: "uint8", shape: [2, 12, 12, 1] } as const;
    const batch = { size: 2, indices: Uint32Array.of(17, 40), fields: { image, label: labels } };
    const loader: TrainLoader = {
      async *[Symbol.asyncIterator]() {
        yield await Promise.resolve(batch);
      },
    };
    const error = await millraceError(run({ loader, schedule: "constant" }));
    expect(error.code).toBe("SAMPLE");
    expect(error.message).toContain("the label of sample 40 is out of range; expected 0 to 3");
  });

  it("refuses impossible options by name", async () => {
    const bad: Partial<TrainOptions>[] = [
      { epochs: 0 },
      { learningRate: Number.NaN },
      { optimizer: "adamw" as "adam" },
      { schedule: "step" as "cosine" },
      { momentum: 1 },
      { warmupSteps: -1 },
      { fenceEvery: 0 },
      { imageField: "picture" },
      { labelField: "__proto__" },
      { deadlineMs: 0 },
    ];
    for (const options of bad) {
      const error = await millraceError(run({ epochs: 1, ...options }));
      expect([error.code, error.detail.option]).toEqual(["OPTION", Object.keys(options)[0]]);
    }
    const error = await millraceError(run({ model: constantLoss, checkpoint: { dir: "unused" } }));
    expect(error.message).toContain("option checkpoint: does not go with a step function");
  });
});

describe("createModelStep", () => {
  it("makes a step that can be profiled, whose upload counts as copy, and that trains the model", async () => {
    const trained = model();
    const loader = await stripes();
    const options = { loader, model: trained, backend, statistics: STATISTICS };
    const before = backend.tf.memory().numTensors;
    const first = await evaluate(options);
    using modelStep = createModelStep({ ...options, learningRate: 0.01 });
    const report = await profile({
      loader,
      step: modelStep.step,
      fence: () => backend.fence(),
      steps: 30,
      warmupSteps: 5,
    });
    expect(report.budget.copy.sumMs).toBeGreaterThan(0);
    expect(report.budget.compute.sumMs).toBeGreaterThan(report.budget.copy.sumMs);
    expect(report.passes).toBeGreaterThan(1);
    expect((await evaluate(options)).loss).toBeLessThan(first.loss);
    modelStep[Symbol.dispose]();
    expect(backend.tf.memory().numTensors).toBe(before);
  });
});

describe("evaluate", () => {
  it("gives the loss and the accuracy of one epoch, whatever the loader's batch size", async () => {
    const trained = model();
    const results = [];
    for (const batchSize of [7, 60]) {
      const loader = await stripes({ split: "val", batchSize });
      results.push(await evaluate({ loader, model: trained, backend, statistics: STATISTICS }));
    }
    expect(results[0]?.samples).toBe(60);
    expect(results[1]?.accuracy).toBe(results[0]?.accuracy);
    expect(results[1]?.loss).toBeCloseTo(results[0]?.loss ?? 0, 4);
  });

  it("refuses a loader that yields nothing", async () => {
    const loader: TrainLoader = {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
    };
    expect((await millraceError(evaluate({ loader, model: model(), backend }))).message).toContain("yields no batch");
  });
});
