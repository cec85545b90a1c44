import type { Loader } from "@millrace/loader";
import { count } from "@millrace/testkit";
import { createModel } from "@millrace/train";
import {
  applyMasks,
  iterateMasks,
  maskRule,
  maskWeights,
  scoreWeights,
  sparsityAt,
  sparsityOf,
  type SparsitySchedule,
} from "@millrace/train/compress";
import { layers, type LayersModel, sequential } from "@tensorflow/tfjs-layers";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { millraceError } from "../../rejection.js";
import { model as stripesModel, useTraining, weightsOf } from "../../training/use-training.js";
import { changeWeights } from "./zeroed.js";

const training = useTraining();

/** A chain of dense layers whose kernels have these numbers. */
function chain(kernels: readonly (readonly number[])[], sizes: readonly number[]): LayersModel {
  const made = sequential({
    layers: kernels.map((_, index) =>
      layers.dense({ units: sizes[index + 1] as number, inputShape: [sizes[index] as number], name: `dense${index}` }),
    ),
  });
  onTestFinished(() => {
    made.dispose();
  });
  let next = 0;
  changeWeights(made, (role, data) => {
    if (role === "kernel") data.set(kernels[next++] as readonly number[]);
  });
  return made;
}

const zerosOf = (keep: Uint8Array): number => keep.reduce((sum, stays) => sum + 1 - stays, 0);

describe("maskWeights", () => {
  it("makes exactly the asked share zero, whatever ties there are, and never the better of two", async () => {
    const value = fc.constantFrom(-2, -1, -0.5, 0, 0.5, 1, 2);
    const kernels = fc.tuple(
      fc.array(value, { minLength: 12, maxLength: 12 }),
      fc.array(value, { minLength: 20, maxLength: 20 }),
    );
    await fc.assert(
      fc.asyncProperty(
        kernels,
        fc.double({ min: 0, max: 0.93, noNaN: true }),
        fc.boolean(),
        async (drawn, sparsity, isGlobal) => {
          const model = chain(drawn, [3, 4, 5]);
          const masks = await maskWeights(model, { sparsity, scope: isGlobal ? "global" : "layer" });
          const keeps = [...masks.values()].map(({ keep }) => keep);
          const scope = isGlobal ? [[0, 1]] : [[0], [1]];
          const zeros = scope.map((indices) => indices.reduce((sum, i) => sum + zerosOf(keeps[i]!), 0));
          expect(zeros).toEqual((isGlobal ? [32] : [12, 20]).map((size) => Math.round(sparsity * size)));
          expect(sparsityOf(masks)).toBe(keeps.reduce((sum, keep) => sum + zerosOf(keep), 0) / 32);
          for (const indices of scope) {
            const gone = indices.flatMap((i) => drawn[i]!.filter((_, at) => keeps[i]![at] === 0).map(Math.abs));
            // The best of a kernel stays even where others are better.
            const left = indices.flatMap((i) => {
              const best = drawn[i]!.map(Math.abs).indexOf(Math.max(...drawn[i]!.map(Math.abs)));
              return drawn[i]!.filter((_, at) => keeps[i]![at] === 1 && at !== best).map(Math.abs);
            });
            expect(Math.max(0, ...gone)).toBeLessThanOrEqual(Math.min(Infinity, ...left));
          }
          for (const keep of keeps) expect(zerosOf(keep)).toBeLessThan(keep.length);
        },
      ),
      { numRuns: count(60, 500) },
    );
  });

  it("takes the last of equals", async () => {
    const masks = await maskWeights(chain([[1, 1, -1, 1, 2, 1]], [6, 1]), { sparsity: 0.5 });
    expect([...masks.get("dense0/kernel")!.keep]).toEqual([1, 1, 0, 0, 1, 0]);
    expect(masks.get("dense0/kernel")?.shape).toEqual([6, 1]);
  });

  it("leaves layers alone that it shall ignore, biases and batch norm", async () => {
    const model = createModel("mini-resnet", { classes: 3, inputShape: [8, 8, 1] });
    onTestFinished(() => model.dispose() as never);
    const masks = await maskWeights(model, { sparsity: 0.5, ignore: ["stem", "logits"] });
    expect([...masks.keys()]).toEqual(
      model.weights.map(({ originalName }) => originalName).filter((name) => /block.*kernel$/u.test(name)),
    );
    expect(sparsityOf(masks)).toBeCloseTo(0.5, 5);
  });

  it("takes scores in place of magnitudes", async () => {
    const scores = new Map([["dense0/kernel", Float32Array.of(1, 3, 2, 4)]]);
    const masks = await maskWeights(chain([[9, 8, 7, 6]], [4, 1]), { sparsity: 0.5, scores });
    expect([...masks.get("dense0/kernel")!.keep]).toEqual([0, 1, 0, 1]);
  });

  it.each<[Parameters<typeof maskWeights>[1], RegExp]>([
    [{ sparsity: 1 }, /sparsity.*0 to less than 1, found 1/],
    [{ sparsity: Number.NaN }, /sparsity.*found NaN/],
    [
      { sparsity: 0.9 },
      /would empty a kernel of the model; expected at most 4 zeros among 6 numbers in 2 kernels, found 5/,
    ],
    [{ sparsity: 0.8, scope: "layer" }, /would empty a kernel of dense1\/kernel/],
    [{ sparsity: 0.5, scope: "all" as "global" }, /scope.*global \| layer, found all/],
    [{ sparsity: 0.5, ignore: ["dense7"] }, /ignore: .*dense0 \| dense1, found dense7/],
    [{ sparsity: 0.5, ignore: ["dense0", "dense1"] }, /no kernels to prune/],
    [{ sparsity: 0.5, scores: new Map([["dense0/kernel", new Float32Array(2)]]) }, /scores.*4 numbers, found 2/],
    [{ sparsity: 0.5, scores: new Map() }, /scores.*found none/],
    [{ sparsity: 0.5, scores: new Map([["dense0/kernel", Float32Array.of(1, 2, 3, Number.NaN)]]) }, /found NaN/],
  ])("refuses %j", async (options, text) => {
    const model = chain(
      [
        [1, 2, 3, 4],
        [5, 6],
      ],
      [2, 2, 1],
    );
    expect((await millraceError(maskWeights(model, options))).message).toMatch(text);
  });
});

describe("masks in training", () => {
  it("hold from applyMasks on: masked weights stay plain zeros, the others learn", async () => {
    const model = stripesModel();
    const masks = await maskWeights(model, { sparsity: 0.7 });
    applyMasks(model, masks);
    const before = await weightsOf(model);
    const { tf } = training.backend;
    const tensors = tf.memory().numTensors;
    using weightRule = maskRule(masks);
    await training.run({ model, weightRule, epochs: 1, optimizer: "adamw", clipNorm: 1 });
    weightRule[Symbol.dispose]();
    expect(tf.memory().numTensors).toBe(tensors);
    const after = await weightsOf(model);
    for (const [index, { originalName }] of model.weights.entries()) {
      const mask = masks.get(originalName);
      if (mask === undefined) continue;
      const masked = after[index]?.filter((_, at) => mask.keep[at] === 0) ?? [];
      // Minus zero is another number.
      expect([masked.length, [...masked].every((value) => Object.is(value, 0))]).toEqual([zerosOf(mask.keep), true]);
      expect(after[index]).not.toEqual(before[index]);
    }
  });

  it("are refused by another model, which stays as it is", async () => {
    const [model, other] = [chain([[1, 2]], [2, 1]), chain([[1, 2, 3]], [3, 1])];
    const masks = await maskWeights(model, { sparsity: 0.5 });
    expect(() => applyMasks(other, masks)).toThrow(/dense0\/kernel; expected \[3, 1\], found \[2, 1\] with 2 numbers/);
    expect(() => applyMasks(other, new Map([["x/kernel", { shape: [1], keep: new Uint8Array(1) }]]))).toThrow(
      /found none/,
    );
    expect(await weightsOf(other)).toEqual([Float32Array.of(1, 2, 3), Float32Array.of(0)]);
  });

  it("grow in rounds, along a schedule", async () => {
    const model = stripesModel();
    const seen: number[] = [];
    const schedule: SparsitySchedule = { kind: "cubic", finalSparsity: 0.8, endStep: 2 };
    const masks = await iterateMasks(model, {
      schedule,
      rounds: 3,
      fineTune: async ({ weightRule, sparsity, round }) => {
        seen.push(round, sparsity);
        await training.run({ model, weightRule, epochs: 1 });
      },
    });
    expect(seen).toEqual([0, 0, 1, expect.closeTo(0.7), 2, 0.8]);
    expect(sparsityOf(masks)).toBeCloseTo(0.8, 2);
  });
});

describe("scoreWeights", () => {
  it("scores as by hand, and changes neither weights nor the averages of batch norm", async () => {
    const model = stripesModel({ dropout: 0 });
    const before = await weightsOf(model);
    const { backend } = training;
    const { tf } = backend;
    const loaders = [await training.stripes(), await training.stripes()] as const;
    const tensors = tf.memory().numTensors;
    const options = { backend, maxBatches: 1, statistics: { field: "image", values: 1, mean: [0.5], std: [0.2] } };
    const snip = await scoreWeights(model, { method: "snip", loader: loaders[0], ...options });
    const taylor = await scoreWeights(model, { method: "taylor", loader: loaders[1], ...options });
    expect(tf.memory().numTensors).toBe(tensors);
    expect(await weightsOf(model)).toEqual(before);
    expect([...snip.keys()]).toEqual(model.trainableWeights.map(({ originalName }) => originalName));
    // Of one batch, the one is the other's square.
    for (const [name, scores] of snip)
      for (const [at, score] of scores.entries()) expect(taylor.get(name)?.[at]).toBeCloseTo(score ** 2, 6);
  });

  it("is the size of the loss's change, to first order, when a weight goes", async () => {
    const model = stripesModel({ dropout: 0 });
    const { backend } = training;
    const all = async (): Promise<Loader> => await training.stripes({ batchSize: 200 });
    const scores = await scoreWeights(model, { method: "snip", backend, loader: await all() });
    const [weight] = model.trainableWeights;
    const kernel = Float32Array.from(await weight!.read().data());
    const step = 0.02;
    const at = kernel.indexOf(Math.max(...kernel));
    const lossWith = async (share: number): Promise<number> => {
      changeWeights(model, (_, data, _shape, name) => {
        if (name === weight!.originalName) data.set(kernel.with(at, (kernel[at] as number) * share));
      });
      let loss = 0;
      await training.run({
        model,
        loader: await all(),
        epochs: 1,
        learningRate: 1e-12,
        optimizer: "sgd",
        statistics: undefined,
        fenceEvery: 1,
        onProgress: (progress) => {
          if (progress.kind === "steps") ({ loss } = progress);
        },
      });
      return loss;
    };
    const slope = ((await lossWith(1 + step)) - (await lossWith(1 - step))) / (2 * step);
    const score = scores.get(weight!.originalName)?.[at] as number;
    expect(Math.abs(score / slope)).toBeGreaterThan(0.9);
    expect(Math.abs(score / slope)).toBeLessThan(1.1);
  });

  it("refuses other methods, and a loader without batches", async () => {
    const model = stripesModel();
    const { backend } = training;
    const loader = await training.stripes();
    const bad = scoreWeights(model, { method: "obd" as "snip", backend, loader });
    expect((await millraceError(bad)).message).toMatch(/method.*snip \| taylor, found obd/);
    const empty = scoreWeights(model, { method: "snip", backend, loader: { async *[Symbol.asyncIterator]() {} } });
    expect((await millraceError(empty)).message).toMatch(/loader: yields no batch/);
  });
});

describe("sparsityAt", () => {
  it("follows the cubic of Zhu and Gupta, in steps", () => {
    const schedule: SparsitySchedule = {
      kind: "cubic",
      initialSparsity: 0.2,
      finalSparsity: 0.9,
      beginStep: 10,
      endStep: 30,
      every: 5,
    };
    const at = (step: number): number => sparsityAt(schedule, step);
    expect([0, 10, 14].map(at)).toEqual([expect.closeTo(0.2), expect.closeTo(0.2), expect.closeTo(0.2)]);
    expect(at(15)).toBeCloseTo(0.9 - 0.7 * 0.75 ** 3, 12);
    expect(at(20)).toBeCloseTo(0.9 - 0.7 / 8, 12);
    expect([30, 31, 1e9].map(at)).toEqual([0.9, 0.9, 0.9]);
  });

  it("does all at once, or leaves the same share in each round", () => {
    const once: SparsitySchedule = { kind: "oneShot", finalSparsity: 0.5, beginStep: 3 };
    expect([2, 3, 4].map((step) => sparsityAt(once, step))).toEqual([0, 0.5, 0.5]);
    const rounds: SparsitySchedule = { kind: "iterative", finalSparsity: 0.875, rounds: 3, every: 2 };
    expect([0, 1, 2, 4, 9].map((step) => sparsityAt(rounds, step))).toEqual(
      [0.5, 0.5, 0.75, 0.875, 0.875].map((s) => expect.closeTo(s, 12)),
    );
  });

  it("never falls", () => {
    const every = fc.integer({ min: 1, max: 7 });
    const finalSparsity = fc.double({ min: 0.5, max: 0.99, noNaN: true });
    const initialSparsity = fc.double({ min: 0, max: 0.5, noNaN: true });
    const schedule = fc.oneof(
      fc.record({
        kind: fc.constant("cubic" as const),
        finalSparsity,
        initialSparsity,
        endStep: fc.integer({ min: 1, max: 40 }),
        every,
      }),
      fc.record({
        kind: fc.constant("iterative" as const),
        finalSparsity,
        rounds: fc.integer({ min: 1, max: 9 }),
        every,
      }),
    );
    fc.assert(
      fc.property(schedule, fc.nat({ max: 50 }), (drawn, step) => {
        const [now, next] = [sparsityAt(drawn, step), sparsityAt(drawn, step + 1)];
        expect(next).toBeGreaterThanOrEqual(now);
        expect(next).toBeLessThanOrEqual(drawn.finalSparsity);
      }),
    );
  });

  it.each<[SparsitySchedule, RegExp]>([
    [{ kind: "oneShot", finalSparsity: 1 }, /finalSparsity.*less than 1, found 1/],
    [
      { kind: "cubic", finalSparsity: 0.5, initialSparsity: 0.6, endStep: 2 },
      /initialSparsity.*at most 0.5, found 0.6/,
    ],
    [{ kind: "cubic", finalSparsity: 0.5, beginStep: 5, endStep: 5 }, /endStep.*from 6, found 5/],
    [{ kind: "cubic", finalSparsity: 0.5, endStep: 5, every: 0 }, /every.*from 1, found 0/],
    [{ kind: "iterative", finalSparsity: 0.5, rounds: 1.5 }, /rounds.*found 1.5/],
  ])("refuses %j", (schedule, text) => {
    expect(() => sparsityAt(schedule, 0)).toThrow(text);
  });
});
