import { sequential } from "@millrace/loader";
import { evaluate, type TrainLoader } from "@millrace/train";
import { describe, expect, it } from "vitest";
import { HandClock } from "../hand-clock.js";
import { millraceError } from "../rejection.js";
import { STATISTICS } from "./stripes.js";
import { model, useTraining } from "./use-training.js";

const training = useTraining();
const { stripes } = training;

describe("evaluate", () => {
  it("gives the loss and the accuracy of one epoch, whatever the loader's batch size", async () => {
    const trained = model();
    const results = [];
    for (const batchSize of [7, 60]) {
      const loader = await stripes({ split: "val", batchSize });
      results.push(await evaluate({ loader, model: trained, backend: training.backend, statistics: STATISTICS }));
    }
    expect(results[0]?.samples).toBe(60);
    expect(results[1]?.accuracy).toBe(results[0]?.accuracy);
    expect(results[1]?.loss).toBeCloseTo(results[0]?.loss ?? 0, 4);
  });

  it("refuses a loader that yields nothing", async () => {
    const loader: TrainLoader = {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
    };
    expect((await millraceError(evaluate({ loader, model: model(), backend: training.backend }))).message).toContain(
      "yields no batch",
    );
  });

  it("covers a whole epoch after one that was aborted in the middle", async () => {
    const trained = model();
    const inner = await stripes({ split: "val", batchSize: 20, order: sequential() });
    const options = { model: trained, backend: training.backend, statistics: STATISTICS };
    const whole = await evaluate({ ...options, loader: inner });
    const controller = new AbortController();
    const loader: TrainLoader = {
      state: () => inner.state(),
      async *[Symbol.asyncIterator]() {
        for await (const batch of inner.epoch(0)) {
          controller.abort(new Error("enough"));
          yield batch;
        }
      },
    };
    await expect(evaluate({ ...options, loader, signal: controller.signal })).rejects.toThrow("enough");
    expect(inner.state()).toMatchObject({ epoch: 0, position: 20 });
    const after = await evaluate({ ...options, loader: inner });
    expect([after.samples, after.loss, after.accuracy]).toEqual([60, whole.loss, whole.accuracy]);
  });

  it("gives the plain cross-entropy, whatever loss a run has minimised and validated with", async () => {
    const trained = model();
    const validation = await stripes({ split: "val", order: sequential() });
    const report = await training.run({ model: trained, validation, epochs: 1, labelSmoothing: 0.3 });
    const { loss, accuracy } = await evaluate({
      loader: validation,
      model: trained,
      backend: training.backend,
      statistics: STATISTICS,
    });
    const smoothed = report.epochs[0]?.validation;
    expect(accuracy).toBe(smoothed?.accuracy);
    expect(Math.abs(loss - (smoothed?.loss ?? loss))).toBeGreaterThan(0.01);
  });

  it("tells its duration by the clock it is given", async () => {
    const clock = new HandClock();
    const inner = await stripes({ split: "val" });
    const loader: TrainLoader = {
      async *[Symbol.asyncIterator]() {
        for await (const batch of inner) {
          clock.pass(5);
          yield batch;
        }
      },
    };
    expect((await evaluate({ loader, model: model(), backend: training.backend, clock })).wallMs).toBe(10);
  });

  it("normalises as train does, with the loader's statistics if none are given", async () => {
    const trained = model();
    const { backend } = training;
    const inner = await stripes({ split: "val" });
    const loader: TrainLoader = { statistics: STATISTICS, [Symbol.asyncIterator]: () => inner[Symbol.asyncIterator]() };
    const expected = await evaluate({ loader: inner, model: trained, backend, statistics: STATISTICS });
    expect((await evaluate({ loader, model: trained, backend })).loss).toBe(expected.loss);
  });
});
