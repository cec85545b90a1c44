import { openLoader } from "@millrace/loader";
import type { TrainLoader, TrainOptions } from "@millrace/train";
import { tempDir } from "@millrace/testkit";
import { describe, expect, it, onTestFinished } from "vitest";
import { millraceError } from "./rejection.js";
import { makeStripes } from "./training/stripes.js";
import { constantLoss, model, useTraining } from "./training/use-training.js";

const training = useTraining();
const { run } = training;

describe("train refuses", () => {
  it("stops at weights that are not finite, and names the step, its samples and the way out", async () => {
    const trained = model();
    const before = training.backend.tf.memory().numTensors;
    const error = await millraceError(
      run({ model: trained, optimizer: "sgd", learningRate: 1e38, schedule: "constant" }),
    );
    expect(error.detail.reason).toBe("WEIGHT_NOT_FINITE");
    expect(error.message).toMatch(
      /^the update of step \d has left weights that are not finite, in the batch of the samples (\d+, ){31}\d+; expected/u,
    );
    expect(error.message).toContain("lower learningRate");
    expect(training.backend.tf.memory().numTensors).toBe(before);
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
      { optimizer: "lion" as "adam" },
      { weightDecay: -1, optimizer: "adamw" },
      { weightDecay: 0.1 },
      { clipNorm: 0 },
      { ema: 1 },
      { loss: "hinge" as "focal" },
      { labelSmoothing: 1 },
      { labelSmoothing: 0.1, loss: "focal" },
      { focalGamma: -1, loss: "focal" },
      { focalGamma: 2 },
      { focalAlpha: [1, 2, 3], loss: "focal" },
      { metric: "validationLoss" },
      { validateEvery: 0 },
      { minDelta: Number.NaN },
      { earlyStop: 0 },
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
