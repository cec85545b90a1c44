import { evaluate, readCheckpoint, type TrainOptions } from "@millrace/train";
import { tempDir } from "@millrace/testkit";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { STATISTICS } from "./training/stripes.js";
import { listener, model, useTraining, weightsOf } from "./training/use-training.js";

const training = useTraining();
const { stripes, run } = training;

/** No epoch but the first gets better by so much. */
const never: Partial<TrainOptions> = { schedule: "constant", minDelta: 100, earlyStop: 2 };

describe("train with early stop", () => {
  it("ends when the metric got no better so often, with the weights of the best epoch or the last", async () => {
    const weights = [];
    for (const epochs of [1, 3]) {
      const plain = model();
      await run({ model: plain, schedule: "constant", epochs });
      weights.push(await weightsOf(plain));
    }
    for (const [index, restoreBest] of [true, false].entries()) {
      const trained = model();
      const { numTensors } = training.backend.tf.memory();
      const validation = await stripes({ split: "val" });
      const report = await run({ ...never, model: trained, validation, restoreBest, epochs: 50 });
      expect(report).toMatchObject({
        stoppedEarly: true,
        best: { metric: "validationLoss", epoch: 0, step: 7, misses: 2 },
      });
      expect(report.epochs).toHaveLength(3);
      expect(await weightsOf(trained)).toEqual(weights[index]);
      expect(training.backend.tf.memory().numTensors).toBe(numTensors);
    }
  });

  it("goes on counting after a resume, and only restores the weights once it has stopped", async () => {
    const dir = tempDir();
    const options = { ...never, metric: "accuracy", checkpoint: { dir } } as const;
    await run({ ...options, epochs: 2 });
    const resume = await readCheckpoint(dir);
    expect(resume.best).toMatchObject({ metric: "accuracy", epoch: 0, misses: 1 });
    expect(resume.bestWeights).toHaveLength(resume.weights.length);
    const loader = await stripes({ state: resume.loaderState ?? undefined });
    const trained = model();
    const report = await run({ ...options, loader, model: trained, resume, epochs: 50 });
    expect([report.stoppedEarly, report.epochs.length, report.best?.epoch]).toEqual([true, 3, 0]);
    expect(await weightsOf(trained)).toEqual(resume.bestWeights.map(({ data }) => data));
    const stopped = await readCheckpoint(dir);
    const rest = await stripes({ state: stopped.loaderState ?? undefined });
    const restored = model();
    const over = await run({ ...options, loader: rest, model: restored, resume: stopped, epochs: 50 });
    expect(over).toMatchObject({ firstStep: 21, stoppedEarly: true, best: report.best });
    expect(over.epochs).toEqual(report.epochs);
    expect(over.budget.steps).toBe(0);
    expect(await weightsOf(restored)).toEqual(await weightsOf(trained));
  });

  it("keeps the checkpoint of the best epoch", async () => {
    const dir = tempDir();
    const report = await run({ epochs: 3, metric: "loss", checkpoint: { dir, keep: 1 } });
    const best = await readCheckpoint(join(dir, "best.safetensors"));
    expect([best.step, best.best]).toEqual([report.best?.step, report.best]);
  });
});

describe("train with a moving average", () => {
  it("validates, saves and ends with the averages, and resumes bit for bit", async () => {
    const options = { ema: 0.7, epochs: 2, schedule: "constant" } as const;
    const validation = await stripes({ split: "val" });
    const whole = model();
    const report = await run({ ...options, model: whole, validation });
    const { backend } = training;
    const evaluated = await evaluate({ loader: validation, model: whole, backend, statistics: STATISTICS });
    expect(evaluated.loss).toBe(report.epochs.at(-1)?.validation?.loss);
    const plain = model();
    await run({ ...options, model: plain, ema: undefined });
    expect(await weightsOf(whole)).not.toEqual(await weightsOf(plain));

    const dir = tempDir();
    await run({ ...options, epochs: 1, checkpoint: { dir } });
    const resume = await readCheckpoint(dir);
    const rest = model();
    const loader = await stripes({ state: resume.loaderState ?? undefined });
    await run({ ...options, loader, model: rest, resume, checkpoint: { dir } });
    expect(await weightsOf(rest)).toEqual(await weightsOf(whole));
    const { weights, averages } = await readCheckpoint(dir);
    expect(averages.map(({ data }) => data)).toEqual(await weightsOf(whole));
    expect(weights.map(({ data }) => data)).toEqual(await weightsOf(plain));
  });
});

describe("train with a validation loader", () => {
  it("validates after every so many epochs, and after the last", async () => {
    const { told, listen } = listener();
    const validation = await stripes({ split: "val" });
    const report = await run({ validation, validateEvery: 2, epochs: 5, onProgress: listen });
    const validated = told.flatMap((event) => (event.kind === "validation" ? [[event.epoch, event.step]] : []));
    expect(validated).toEqual([
      [1, 14],
      [3, 28],
      [4, 35],
    ]);
    expect(report.epochs.map((epoch) => epoch.validation === undefined)).toEqual([true, false, true, false, false]);
  });

  it("makes up for a validation that an abort cut off, when it resumes", async () => {
    const dir = tempDir();
    const controller = new AbortController();
    const val = await stripes({ split: "val" });
    const validation = {
      async *[Symbol.asyncIterator]() {
        controller.abort();
        yield* val;
      },
    };
    await run({ validation, signal: controller.signal, checkpoint: { dir } }).catch(() => undefined);
    const resume = await readCheckpoint(dir);
    expect(resume).toMatchObject({ step: 7, epochs: [], running: { epoch: 0, steps: 7 }, loaderState: { epoch: 1 } });
    const loader = await stripes({ state: resume.loaderState ?? undefined });
    const report = await run({ loader, validation: await stripes({ split: "val" }), resume });
    expect(report.epochs.map(({ epoch, steps, validation: done }) => [epoch, steps, done?.samples])).toEqual([
      [0, 7, 60],
      [1, 7, 60],
    ]);
  });
});
