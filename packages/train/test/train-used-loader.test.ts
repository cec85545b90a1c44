import { readCheckpoint, train, type TrainProgress } from "@millrace/train";
import { iterateFilters, iterateMasks } from "@millrace/train/compress";
import { tempDir } from "@millrace/testkit";
import { describe, expect, it } from "vitest";
import { rejection } from "./rejection.js";
import { STATISTICS } from "./training/stripes.js";
import { listener, model, useTraining, weightsOf } from "./training/use-training.js";

const training = useTraining();
const { stripes, run } = training;

/** Without moments and dropout two runs of two epochs do the same as one of four. */
const plain = { optimizer: "sgd", schedule: "constant" } as const;

describe("train on a loader that was used before", () => {
  it("trains as many epochs as it is asked to, which go on where the loader stands and are counted from 0", async () => {
    const whole = model({ dropout: 0 });
    await run({ ...plain, model: whole, epochs: 4 });
    const trained = model({ dropout: 0 });
    const loader = await stripes();
    await run({ ...plain, loader, model: trained });
    const { told, listen } = listener();
    const report = await run({ ...plain, loader, model: trained, onProgress: listen });
    expect(report.epochs.map(({ epoch, steps }) => [epoch, steps])).toEqual([
      [0, 7],
      [1, 7],
    ]);
    expect(told.filter(({ kind }) => kind === "steps").at(-1)).toMatchObject({ epoch: 1, step: 14, totalSteps: 14 });
    expect(loader.state()).toMatchObject({ epoch: 4, position: 0 });
    expect(await weightsOf(trained)).toEqual(await weightsOf(whole));
  });

  it("goes on after an abort in the second run, and ends with the same weights, bit for bit", async () => {
    const twice = await stripes();
    const whole = model();
    await run({ loader: twice });
    await run({ loader: twice, model: whole });

    const again = await stripes();
    await run({ loader: again });
    const dir = tempDir();
    const controller = new AbortController();
    const onProgress = (progress: TrainProgress): void => {
      if (progress.kind === "steps" && progress.step === 9) controller.abort();
    };
    const { signal } = controller;
    await rejection(run({ loader: again, fenceEvery: 1, onProgress, signal, checkpoint: { dir } }));
    const resume = await readCheckpoint(dir);
    expect(resume).toMatchObject({ step: 9, firstEpoch: 2, running: { epoch: 1 }, loaderState: { epoch: 3 } });
    const rest = model();
    const loader = await stripes({ state: resume.loaderState ?? undefined });
    const report = await run({ loader, model: rest, resume, checkpoint: { dir } });
    expect(report.epochs.map(({ epoch, steps }) => [epoch, steps])).toEqual([
      [0, 7],
      [1, 7],
    ]);
    expect(await weightsOf(rest)).toEqual(await weightsOf(whole));
    expect((await readCheckpoint(dir)).firstEpoch).toBe(2);
  });

  it("trains in every round of iterateMasks and iterateFilters", async () => {
    const loader = await stripes();
    const steps: number[] = [];
    const onProgress = (progress: TrainProgress): void => {
      if (progress.kind === "epoch") steps.push(progress.steps);
    };
    const { backend } = training;
    const options = { backend, loader, epochs: 1, statistics: STATISTICS, onProgress };
    const trained = model();
    await iterateMasks(trained, {
      schedule: { kind: "oneShot", finalSparsity: 0.5 },
      rounds: 3,
      fineTune: async ({ weightRule }) => void (await train({ ...options, model: trained, weightRule })),
    });
    const pruned = await iterateFilters(trained, {
      keep: 0.5,
      rounds: 2,
      fineTune: async ({ model: smaller }) => void (await train({ ...options, model: smaller })),
    });
    pruned.model.dispose();
    expect(steps).toEqual([7, 7, 7, 7, 7]);
  });
});
