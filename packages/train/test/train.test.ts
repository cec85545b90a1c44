import type { Statistics } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import {
  reportToTrace,
  SpanLog,
  type StepsProgress,
  type TrainLoader,
  type TrainObserver,
  type TrainOptions,
  type TrainProgress,
} from "@millrace/train";
import { describe, expect, it } from "vitest";
import { HandClock } from "./hand-clock.js";
import { millraceError, rejection } from "./rejection.js";
import { readTrace, slicesOf } from "./report/trace-event.js";
import { STATISTICS } from "./training/stripes.js";
import { constantLoss, listener, model, useTraining, withFence } from "./training/use-training.js";

const training = useTraining();
const { stripes, run } = training;

/** The losses of an epoch over a loader that has these statistics. */
async function lossesWith(options: Partial<TrainOptions>, statistics?: Statistics): Promise<number[]> {
  const { losses, listen } = listener();
  const inner = await stripes();
  const loader: TrainLoader = {
    length: inner.length,
    statistics,
    [Symbol.asyncIterator]: () => inner[Symbol.asyncIterator](),
  };
  await run({ loader, fenceEvery: 1, epochs: 1, onProgress: listen, statistics: undefined, ...options });
  return losses();
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
    expect(rest).toEqual(["start", ...Array.from({ length: 5 }, () => ["validation", "epoch"]).flat()]);
    expect(told.at(-3)).toMatchObject({ kind: "steps", epoch: 4, step: 35, totalSteps: 35 });
  });

  it("leaves the start of the workers out of the verdict, but not out of the budget", async () => {
    let batches = 0;
    const clock = new HandClock();
    const loader: TrainLoader = {
      async *[Symbol.asyncIterator]() {
        for (let n = 0; n < 50; n++) {
          clock.pass(batches++ === 0 ? 5000 : 0);
          yield await Promise.resolve({ size: 1, fields: {} });
        }
      },
    };
    const step = (): { loss: number } => {
      clock.pass(20);
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

  it("tells observers the same as onProgress, and closes them however the run ends", async () => {
    const { told, listen } = listener();
    const observed: TrainProgress[] = [];
    let closed = 0;
    const close = async (): Promise<void> => {
      closed++;
      await Promise.resolve();
    };
    const observer: TrainObserver = { observe: (progress) => void observed.push(progress), close };
    await run({ onProgress: listen, observers: [observer] });
    expect(observed).toEqual(told);
    expect(observed[0]).toEqual({ kind: "start", step: 0, totalSteps: 14 });
    expect(observed.at(-1)).toMatchObject({ kind: "epoch", epoch: 1, step: 14 });
    const reason = new Error("full");
    const full: TrainObserver = {
      observe: () => {
        throw reason;
      },
      close: () => Promise.reject(new Error("closed badly")),
    };
    expect(await rejection(run({ observers: [full, observer] }))).toBe(reason);
    expect(closed).toBe(2);
  });

  it("says what else went on meanwhile, and writes its spans for a trace", async () => {
    const spans = new SpanLog();
    const report = await run({ loader: await stripes({ numWorkers: 1 }), epochs: 2, spans });
    expect(report.causes?.workers?.busyFraction).toBeGreaterThan(0);
    expect(report.causes?.eventLoop.maxMs).toBeGreaterThanOrEqual(report.causes?.eventLoop.p50Ms ?? Infinity);
    const trace = readTrace(reportToTrace(report, spans));
    expect(slicesOf(trace, "step").map(({ args }) => args?.["step"])).toEqual(Array.from({ length: 14 }, (_, n) => n));
    expect(slicesOf(trace, "batch")).toHaveLength(14);
  });

  it("takes a short last batch", async () => {
    const report = await run({ loader: await stripes({ batchSize: 48 }), epochs: 1 });
    expect(report.epochs).toMatchObject([{ epoch: 0, steps: 5 }]);
    expect(report.throughput.samplesPerSec).toBeCloseTo((200 * 1000) / report.budget.wall.sumMs, 6);
  });

  it("leaves no tensors behind but the model's", async () => {
    const trained = model();
    const { tf } = training.backend;
    const before = tf.memory().numTensors;
    await run({ model: trained, validation: await stripes({ split: "val" }) });
    expect(tf.memory().numTensors).toBe(before);
  });

  it("throws the signal's reason when it aborts in mid-training, and leaves no tensors", async () => {
    const trained = model();
    const before = training.backend.tf.memory().numTensors;
    const controller = new AbortController();
    const reason = new Error("enough");
    const onProgress = (progress: TrainProgress): void => {
      if (progress.kind === "steps" && progress.step === 4) controller.abort(reason);
    };
    const running = run({ model: trained, fenceEvery: 2, onProgress, signal: controller.signal, epochs: 50 });
    expect(await rejection(running)).toBe(reason);
    expect(training.backend.tf.memory().numTensors).toBe(before);
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
        return await Promise.resolve({ loss: training.backend.tf.scalar(0.5), correct: batch.size / 2 });
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

  it("takes every duration of the report from the clock it is given", async () => {
    const clock = new HandClock();
    const backend = withFence(training.backend, async () => {
      clock.pass(3);
      await training.backend.fence();
    });
    const validation = await stripes({ split: "val" });
    const report = await run({ backend, validation, clock, fenceEvery: 2, checkpoint: { dir: tempDir() } });
    expect(report.cost).toMatchObject({ fences: 8, fenceWaitMs: 24, idleFenceMs: 3 });
    expect(report.budget.wall.sumMs).toBe(24);
    expect(report.checkpointMs).toBe(0);
    expect(report.epochs.map((epoch) => epoch.validation?.wallMs)).toEqual([0, 0]);
  });

  it("normalises with the statistics of the loader if none are given and they are of the image field", async () => {
    const given = await lossesWith({ statistics: STATISTICS });
    const none = await lossesWith({});
    const other = { ...STATISTICS, mean: [0.1] };
    expect(none).not.toEqual(given);
    expect(await lossesWith({}, STATISTICS)).toEqual(given);
    expect(await lossesWith({ statistics: STATISTICS }, other)).toEqual(given);
    expect(await lossesWith({}, { ...STATISTICS, field: "depth" })).toEqual(none);
  });
});
