import type { TrainOptions, WeightRule } from "@millrace/train";
import { clipByValue, zerosLike } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { describe, expect, it } from "vitest";
import { millraceError } from "../rejection.js";
import { model as createModel, useTraining } from "./use-training.js";

const { run } = useTraining();

/** The trainable weights of a model by name, as numbers. */
function weightsOf(model: LayersModel): Map<string, number[]> {
  return new Map(model.trainableWeights.map((weight) => [weight.originalName, [...weight.read().dataSync()]]));
}

/** Trains a fresh model by a rule: its weights before and after. */
async function trainBy(
  weightRule: WeightRule,
  options: Partial<TrainOptions> = {},
): Promise<[before: Map<string, number[]>, after: Map<string, number[]>]> {
  const model = createModel();
  const before = weightsOf(model);
  await run({ model, weightRule, epochs: 1, ...options });
  const after = weightsOf(model);
  return [before, after];
}

const same: WeightRule["project"] = (_, tensor) => tensor;

describe("a weight rule", () => {
  it("tells every trainable weight by its name, at every part of every step", async () => {
    const told = { forward: new Set<string>(), gradient: new Set<string>(), project: new Set<string>() };
    const [before] = await trainBy({
      forward: (name, weight) => (told.forward.add(name), weight),
      gradient: (name, gradient) => (told.gradient.add(name), gradient),
      project: (name, weight) => (told.project.add(name), weight),
    });
    for (const names of Object.values(told)) expect([...names].toSorted()).toEqual([...before.keys()].toSorted());
  });

  it("changes nothing if it gives back what it gets", async () => {
    const [, ruled] = await trainBy({ forward: same, gradient: same, project: same });
    const [, plain] = await trainBy({});
    expect([...ruled.values()]).toEqual([...plain.values()]);
  });

  it("keeps weights to what it projects them on", async () => {
    const [, after] = await trainBy({ project: (_, weight) => clipByValue(weight, -0.01, 0.02) });
    for (const values of after.values()) {
      expect(Math.min(...values)).toBeGreaterThanOrEqual(Math.fround(-0.01));
      expect(Math.max(...values)).toBeLessThanOrEqual(Math.fround(0.02));
    }
  });

  it("gives the optimizer the gradients that it makes: without any, nothing moves", async () => {
    const [before, after] = await trainBy({ gradient: (_, gradient) => zerosLike(gradient) }, { optimizer: "sgd" });
    expect(after).toEqual(before);
  });

  it("shows the forward pass other weights, and updates the model's own", async () => {
    const rate = 0.01;
    const [before, after] = await trainBy({ forward: (_, weight) => zerosLike(weight) }, { optimizer: "sgd" });
    const [name, values] = [...after].at(-1) ?? ["", []];
    expect(values).not.toEqual(before.get(name));
    // With weights that are all 0 nothing but the last bias gets a gradient, of at most 1 a step.
    for (const [other, unmoved] of [...after].slice(0, -1)) expect(unmoved).toEqual(before.get(other));
    for (const value of values) expect(Math.abs(value)).toBeLessThan(rate * 10);
  });

  it("leaves the model its own weights if it throws", async () => {
    const model = createModel();
    const before = weightsOf(model);
    const forward: WeightRule["forward"] = (name, weight) => {
      if (name === [...before.keys()].at(-1)) throw new TypeError("no such weight");
      return zerosLike(weight);
    };
    const error = await millraceError(run({ model, weightRule: { forward }, epochs: 1 }));
    expect(error.code).toBe("BACKEND");
    expect(weightsOf(model)).toEqual(before);
  });
});
