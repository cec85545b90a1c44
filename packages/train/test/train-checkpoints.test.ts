import { formatReport, readCheckpoint, type TrainLoader, type TrainProgress } from "@millrace/train";
import { tempDir } from "@millrace/testkit";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { millraceError, rejection } from "./rejection.js";
import { listener, model, useTraining, weightsOf, withFence } from "./training/use-training.js";

const training = useTraining();
const { stripes, run } = training;

describe("train with checkpoints", () => {
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

  it("writes checkpoints every so many steps or epochs, and keeps the newest and the best", async () => {
    const dir = tempDir();
    await run({ checkpoint: { dir, everySteps: 3, keep: 2 } });
    expect((await readdir(dir)).toSorted()).toEqual([
      "best.safetensors",
      "checkpoint-00000009.safetensors",
      "checkpoint-00000012.safetensors",
    ]);
    const other = tempDir();
    const report = await run({ checkpoint: { dir: other, everyEpochs: 2 } });
    expect((await readdir(other)).toSorted()).toEqual(["best.safetensors", "checkpoint-00000014.safetensors"]);
    expect(report.checkpoint).toBe(join(other, "checkpoint-00000014.safetensors"));
  });

  it("refuses a checkpoint where the loader does not stand, or of another model or optimizer", async () => {
    const dir = tempDir();
    await run({ epochs: 1, checkpoint: { dir } });
    const resume = await readCheckpoint(dir);
    const loader = await stripes({ state: resume.loaderState ?? undefined });
    expect((await millraceError(run({ resume }))).message).toContain("open the loader with the option state");
    expect((await millraceError(run({ loader, resume, optimizer: "sgd" }))).message).toContain("another optimizer");
    expect((await millraceError(run({ loader, resume, loss: "focal" }))).message).toMatch(
      /another loss; expected focal, focalGamma 2, focalAlpha 1, found crossEntropy, labelSmoothing 0/u,
    );
    expect((await millraceError(run({ loader, resume, labelSmoothing: 0.1 }))).message).toContain("another loss");
    expect((await millraceError(run({ loader, resume, seed: 5 }))).message).toMatch(
      /another seed; expected 5, found 0/u,
    );
    expect((await millraceError(run({ loader, resume, metric: "accuracy" }))).message).toContain("by another metric");
    expect((await millraceError(run({ loader, resume, ema: 0.9 }))).message).toMatch(
      /option ema; expected with moving averages, found without moving averages/u,
    );
  });

  it("refuses a checkpoint of another model, and says which tensor differs, or of another data set", async () => {
    const dir = tempDir();
    await run({ epochs: 1, checkpoint: { dir } });
    const resume = await readCheckpoint(dir);
    const loader = await stripes({ state: resume.loaderState ?? undefined });
    const fewer = { ...resume, weights: resume.weights.slice(1) };
    expect((await millraceError(run({ loader, resume: fewer }))).message).toMatch(
      /another model: its weights differ \(8 expected, 7 found\), first in number 0; expected \S*kernel \[3, 3, 1, 8\], found 001\.\S*bias \[8\]/u,
    );
    const otherShape = { ...resume, slots: resume.slots.with(2, { name: "x", shape: [9], data: new Float32Array(9) }) };
    expect((await millraceError(run({ loader, resume: otherShape }))).message).toMatch(
      /its tensors of the optimizer differ, first in number 2; expected moment1\.\S*bias \[8\], found x \[9\]/u,
    );
    const state = { ...loader.state(), fingerprint: "other" };
    const elsewhere: TrainLoader = {
      length: 7,
      state: () => state,
      [Symbol.asyncIterator]: () => loader[Symbol.asyncIterator](),
    };
    expect((await millraceError(run({ loader: elsewhere, resume }))).message).toMatch(/another data set.*found other/u);
  });

  it("keeps the step whose fence an abort interrupts, and goes on after it bit for bit", async () => {
    const wholeModel = model();
    await run({ model: wholeModel });

    const dir = tempDir();
    const controller = new AbortController();
    let fences = 0;
    // Six are measured when nothing runs; the fourth after them, at the end of the epoch, never comes back.
    const backend = withFence(training.backend, () => {
      if (++fences !== 10) return training.backend.fence();
      controller.abort();
      return new Promise<void>(() => undefined);
    });
    const reason = await rejection(
      run({ backend, fenceEvery: 2, signal: controller.signal, checkpoint: { dir, everyEpochs: 5 } }),
    );
    expect(reason).toBe(controller.signal.reason);
    const resume = await readCheckpoint(dir);
    expect(resume).toMatchObject({ step: 7, loaderState: { epoch: 1, position: 0 } });
    const restModel = model();
    await run({ loader: await stripes({ state: resume.loaderState ?? undefined }), model: restModel, resume });
    expect(await weightsOf(restModel)).toEqual(await weightsOf(wholeModel));
  });

  it("restores the weights and is done if all epochs of the checkpoint are", async () => {
    const dir = tempDir();
    const trained = model();
    const options = { ema: 0.9, checkpoint: { dir } } as const;
    const report = await run({ ...options, model: trained, validation: await stripes({ split: "val" }) });
    const resume = await readCheckpoint(dir);
    const restored = model();
    const loader = await stripes({ state: resume.loaderState ?? undefined });
    const { told, listen } = listener();
    const over = await run({
      ...options,
      loader,
      model: restored,
      resume,
      metric: "validationLoss",
      onProgress: listen,
      validation: loader,
    });
    expect(over).toMatchObject({ firstStep: 14, epochs: report.epochs, best: report.best, stoppedEarly: false });
    expect(told.map(({ kind }) => kind)).toEqual(["start"]);
    expect(await weightsOf(restored)).toEqual(await weightsOf(trained));
    expect(formatReport(over)).toContain("undecided");
  });

  it("goes on from the best epoch where no other checkpoint was written before the run was killed", async () => {
    const dir = tempDir();
    const trained = model();
    await run({ model: trained, epochs: 3, learningRate: 1e-3, schedule: "constant" });
    const sparse = { learningRate: 1e-3, schedule: "constant", checkpoint: { dir, everyEpochs: 5 } } as const;
    await run({ ...sparse, epochs: 2 });
    expect(await readdir(dir)).toEqual(["best.safetensors"]);
    const error = await millraceError(run({ ...sparse, epochs: 3 }));
    expect(error.message).toMatch(/holds checkpoints of another run; found best.safetensors/u);
    const resume = await readCheckpoint(dir);
    const rest = model();
    await run({
      ...sparse,
      epochs: 3,
      loader: await stripes({ state: resume.loaderState ?? undefined }),
      model: rest,
      resume,
    });
    expect(await weightsOf(rest)).toEqual(await weightsOf(trained));
  });

  it("leaves no checkpoint of a run that was left, by resuming from an older one in the same folder", async () => {
    for (const [learningRate, best] of [
      [0.01, 14],
      [1e-9, undefined],
    ] as const) {
      const dir = tempDir();
      const options = { schedule: "constant", epochs: 3, checkpoint: { dir } } as const;
      await run(options);
      const resume = await readCheckpoint(join(dir, "checkpoint-00000007.safetensors"));
      // With the lower rate no epoch is better by so much.
      const minDelta = learningRate < 0.01 ? 100 : 0;
      const loader = await stripes({ state: resume.loaderState ?? undefined });
      await run({ ...options, loader, resume, learningRate, minDelta, epochs: 2 });
      expect((await readCheckpoint(dir)).step).toBe(14);
      expect(await readdir(dir)).not.toContain("checkpoint-00000021.safetensors");
      const file = join(dir, "best.safetensors");
      expect(existsSync(file) ? (await readCheckpoint(file)).step : undefined).toBe(best);
    }
  });

  it("does not begin in a folder that holds the checkpoints of another run, unless it resumes", async () => {
    const dir = tempDir();
    await run({ epochs: 1, checkpoint: { dir } });
    const loader = await stripes();
    const error = await millraceError(run({ loader, checkpoint: { dir } }));
    expect([error.code, error.detail.file]).toEqual(["STATE", dir]);
    expect(error.message).toMatch(/holds checkpoints of another run; found checkpoint-00000007.*go on from them/u);
    expect(loader.stats().batches).toBe(0);
    const resume = await readCheckpoint(dir);
    const rest = await stripes({ state: resume.loaderState ?? undefined });
    const report = await run({ loader: rest, resume, checkpoint: { dir } });
    expect([report.firstStep, report.checkpoint]).toEqual([7, join(dir, "checkpoint-00000014.safetensors")]);
  });
});
