import { createDataset, openDataset, SampleError } from "@millrace/formats";
import {
  readCheckpoint,
  sampleKeys,
  selectBackend,
  train,
  type Checkpoint,
  type TrainBatch,
  type TrainLoader,
} from "@millrace/train";
import { tempDir } from "@millrace/testkit";
import { initializers, layers, sequential, type LayersModel } from "@tensorflow/tfjs-layers";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { millraceError, rejection } from "./rejection.js";
import { model, useTraining, weightsOf } from "./training/use-training.js";

const training = useTraining();
const { stripes, run } = training;

/** Batches of one 12 x 12 image a sample, numbered on. */
function batchesOf(sizes: readonly number[], labels: (sample: number) => number = () => 0): TrainLoader {
  return {
    length: sizes.length,
    async *[Symbol.asyncIterator]() {
      let next = 0;
      for (const [step, size] of sizes.entries()) {
        const indices = Uint32Array.from({ length: size }, () => next++);
        const image = {
          data: new Uint8Array(size * 144).fill(step),
          dtype: "uint8",
          shape: [size, 12, 12, 1],
        } as const;
        const label = { data: Int32Array.from(indices, labels), dtype: "int32", shape: [size] } as const;
        yield await Promise.resolve({ step, size, indices, fields: { image, label } });
      }
    },
  };
}

const keys = async (indices: readonly number[]): Promise<string[]> =>
  await Promise.resolve(indices.map((n) => `cat/${n}.jpg`));
const constant = { schedule: "constant", epochs: 1 } as const;

/** Weights as a checkpoint has them, without names that count up in a process. */
function numbersOf({ weights }: Checkpoint): Float32Array[] {
  return weights.map(({ data }) => data);
}

/** A step that throws the second time. */
const failing =
  (what: string) =>
  (_: TrainBatch, { step }: { step: number }) => {
    if (step === 1) throw new Error(what);
    return { loss: 1 };
  };

describe("a step that fails", () => {
  const loader = batchesOf([2, 2, 2]);
  it("is named, with its error and the keys of its samples", async () => {
    const error = await millraceError(run({ ...constant, loader, model: failing("no such layer"), sampleKeys: keys }));
    expect([error.code, error.detail.reason]).toEqual(["BACKEND", "STEP_THREW"]);
    expect(error.message).toContain(
      "step 1 threw Error: no such layer, in the batch of the samples cat/2.jpg, cat/3.jpg;",
    );
    const without = await millraceError(run({ ...constant, loader, model: failing("no such layer") }));
    expect(without.message).toContain("in the batch of the samples 2, 3;");
  });

  it("that never resolves ends at its deadline, with the keys of its samples", async () => {
    const error = await millraceError(
      run({ ...constant, loader, model: () => new Promise(() => undefined), sampleKeys: keys, deadlineMs: 30 }),
    );
    expect(error.detail.reason).toBe("STEP_OVERDUE");
    expect(error.message).toMatch(
      /^step 0 did not finish, with the batch of the samples cat\/0.jpg, cat\/1.jpg; expected within 30 ms/u,
    );
  });

  it.each([
    "OOM when allocating tensor with shape[64,112,112,64] and type float on /job:localhost by allocator cpu",
    "Resource exhausted: failed to allocate memory",
    "Aborted(). Build with -sASSERTIONS for more info.",
    "Array buffer allocation failed",
  ])("for want of memory says what helps: %s", async (text) => {
    const error = await millraceError(run({ ...constant, loader, model: failing(text) }));
    expect(error.detail.reason).toBe("OUT_OF_MEMORY");
    expect(error.message).toMatch(/step 1 ran out of memory, in the batch of the samples 2, 3 .*; lower batchSize/u);
  });

  it("whose loss is not finite has the keys of its samples", async () => {
    const error = await millraceError(
      run({ ...constant, loader, model: (_, { step }) => ({ loss: step === 2 ? Number.NaN : 1 }), sampleKeys: keys }),
    );
    expect(error.message).toMatch(
      /^the loss of step 2 is NaN, in the batch of the samples cat\/4.jpg, cat\/5.jpg; expected/u,
    );
  });

  it("for a label out of range has the sample's key, and names the value and the classes", async () => {
    const bad = batchesOf([2, 2], (sample) => (sample === 3 ? 7 : 0));
    const error = await millraceError(run({ ...constant, loader: bad, sampleKeys: keys }));
    expect(error.code).toBe("SAMPLE");
    expect(error.message).toContain(
      "key cat/3.jpg, field label: the label of sample 3 is out of range; expected 0 to 3",
    );
    expect(error.message).toContain("found 7");
  });

  it("has samples without a name when they cannot be told", async () => {
    const error = await millraceError(
      run({
        ...constant,
        loader,
        model: failing("x"),
        sampleKeys: () => Promise.reject(new Error("the disk is gone")),
      }),
    );
    expect(error.message).toContain("the samples 2, 3;");
  });
});

it("sampleKeys reads the field key of a split, and gives numbers where there is none", async () => {
  for (const hasKey of [true, false]) {
    const label = { name: "label", kind: "tensor", dtype: "int32", shape: [] } as const;
    const fields = hasKey ? [label, { name: "key", kind: "string" } as const] : [label];
    const dir = tempDir();
    const writer = await createDataset(dir, { format: "arrow", schema: { fields } });
    for (const name of ["a/0.jpg", "b/1.jpg"]) {
      const sample = new Map<string, Int32Array | string>([["label", Int32Array.of(0)]]);
      await writer.write(hasKey ? sample.set("key", name) : sample, "train");
    }
    await writer.finish();
    await using dataset = await openDataset(dir);
    expect(await sampleKeys(dataset.split("train"))([1, 0])).toEqual(hasKey ? ["b/1.jpg", "a/0.jpg"] : ["1", "0"]);
  }
});

/** A loader that fails instead of its fifth batch. */
async function failingLoader(): Promise<TrainLoader> {
  const inner = await stripes();
  return {
    length: inner.length,
    state: () => inner.state(),
    epoch: async function* epoch(number) {
      for await (const batch of inner.epoch(number)) {
        if (batch.step === 4) throw new SampleError({ problem: "cannot be decoded" });
        yield batch;
      }
    },
    [Symbol.asyncIterator]: () => inner[Symbol.asyncIterator](),
  };
}

describe("what was done before a failure", () => {
  it("is saved when the loader fails, and the resumed run ends bit for bit as if nothing had happened", async () => {
    const whole = model();
    const expected = await run({ model: whole });
    const dir = tempDir();
    const error = await millraceError(run({ loader: await failingLoader(), checkpoint: { dir } }));
    expect(error.message).toContain("cannot be decoded");
    const resume = await readCheckpoint(dir);
    expect(resume).toMatchObject({ step: 4, running: { epoch: 0, steps: 4, samples: 128 } });
    const rest = model();
    const loader = await stripes({ state: resume.loaderState ?? undefined });
    const report = await run({ loader, model: rest, resume, checkpoint: { dir } });
    expect(await weightsOf(rest)).toEqual(await weightsOf(whole));
    expect(report.epochs.map(({ steps, loss }) => [steps, loss.toFixed(5)])).toEqual(
      expected.epochs.map(({ steps, loss }) => [steps, loss.toFixed(5)]),
    );
  });

  it("is saved when a label is out of range: the weights are those after the last step, batch norm's included", async () => {
    const dir = tempDir();
    await rejection(
      run({ ...constant, loader: batchesOf([2, 2, 2, 2, 2], (n) => (n === 9 ? 99 : n % 4)), checkpoint: { dir } }),
    );
    const four = model();
    await run({ ...constant, loader: batchesOf([2, 2, 2, 2], (n) => n % 4), model: four });
    const saved = await readCheckpoint(dir);
    expect(saved.step).toBe(4);
    expect(numbersOf(saved)).toEqual(await weightsOf(four));
  });

  it("is not saved where a weight is not finite", async () => {
    const dir = tempDir();
    const broken = frozenNaN();
    const error = await millraceError(run({ ...constant, model: broken, checkpoint: { dir, everySteps: 1 } }));
    broken.dispose();
    expect(error.detail.reason).toBe("WEIGHT_NOT_FINITE");
    expect(error.message).toMatch(
      /training has diverged: \d{3}\.\S+ holds a number that is not finite; .*lower learningRate/u,
    );
    expect(await readdir(dir)).toEqual([]);
  });
});

/** A model with a NaN in a weight that is not trained, of which ReLU makes a number on wasm. */
function frozenNaN(): LayersModel {
  const frozen = layers.conv2d({
    inputShape: [12, 12, 1],
    filters: 2,
    kernelSize: 3,
    biasInitializer: initializers.constant({ value: Number.NaN }),
    trainable: false,
  });
  return sequential({
    layers: [frozen, layers.maxPooling2d({ poolSize: 2 }), layers.reLU(), layers.flatten(), layers.dense({ units: 4 })],
  });
}

/** A small model whose activations are 205 KB a sample. */
function wide(): LayersModel {
  const kernelInitializer = initializers.glorotUniform({ seed: 1 });
  return sequential({
    layers: [
      layers.conv2d({ inputShape: [12, 12, 1], filters: 512, kernelSize: 3, kernelInitializer }),
      layers.batchNormalization({}),
      layers.globalAveragePooling2d({}),
      layers.dense({ units: 2, kernelInitializer }),
    ],
  });
}

// It takes the only backend of the process, so it is the last one.
it("when wasm has no memory left the error says what helps, the steps before are saved, and wasm can be opened anew", async () => {
  const dir = join(tempDir(), "run");
  const options = { ...constant, backend: training.backend, fenceEvery: 4 };
  const broken = wide();
  const loader = batchesOf([4, 4, 4, 22_000, 4]);
  const error = await millraceError(train({ ...options, loader, model: broken, checkpoint: { dir } }));
  broken.dispose();
  expect(error.detail.reason).toBe("OUT_OF_MEMORY");
  expect(error.message).toMatch(
    /step 3 ran out of memory.*lower batchSize.*step 3 is saved, to be resumed from .*00000003/u,
  );
  const saved = await readCheckpoint(dir);

  await using backend = (await selectBackend("wasm")).backend;
  const three = wide();
  await train({ ...options, backend, loader: batchesOf([4, 4, 4]), model: three });
  expect(numbersOf(saved)).toEqual(await weightsOf(three));
  three.dispose();
});
