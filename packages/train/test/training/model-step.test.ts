import { createModelStep, evaluate, profile } from "@millrace/train";
import { isMillraceError } from "@millrace/formats";
import { describe, expect, it } from "vitest";
import { STATISTICS } from "./stripes.js";
import { model, useTraining } from "./use-training.js";

const training = useTraining();
const { stripes } = training;

describe("createModelStep", () => {
  it("makes a step that can be profiled, whose upload counts as copy, and that trains the model", async () => {
    const trained = model();
    const loader = await stripes();
    const options = { loader, model: trained, backend: training.backend, statistics: STATISTICS };
    const before = training.backend.tf.memory().numTensors;
    const first = await evaluate(options);
    using modelStep = createModelStep({ ...options, learningRate: 0.01 });
    const report = await profile({
      loader,
      step: modelStep.step,
      fence: () => training.backend.fence(),
      steps: 30,
      warmupSteps: 5,
      phases: false,
    });
    expect(report.budget.copy.sumMs).toBeGreaterThan(0);
    expect(report.budget.compute.sumMs).toBeGreaterThan(report.budget.copy.sumMs);
    expect(report.passes).toBeGreaterThan(1);
    expect((await evaluate(options)).loss).toBeLessThan(first.loss);
    modelStep[Symbol.dispose]();
    expect(training.backend.tf.memory().numTensors).toBe(before);
  });

  it("refuses a learning rate that train refuses", () => {
    for (const learningRate of [Number.NaN, -0.1, 0, Infinity]) {
      let error: unknown;
      try {
        createModelStep({ model: model(), backend: training.backend, learningRate })[Symbol.dispose]();
      } catch (caught) {
        error = caught;
      }
      expect(isMillraceError(error, "OPTION") && error.detail.option).toBe("learningRate");
    }
  });
});
