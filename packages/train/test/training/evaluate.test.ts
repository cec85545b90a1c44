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
