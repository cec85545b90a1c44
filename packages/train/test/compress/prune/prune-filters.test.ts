import { OptionError } from "@millrace/formats";
import { count } from "@millrace/testkit";
import { type Backend, createModel, selectBackend } from "@millrace/train";
import { countMacs, filterGroups, iterateFilters, pruneFilters } from "@millrace/train/compress";
import { serialization, type Tensor } from "@tensorflow/tfjs-core";
import {
  input,
  layers,
  type LayersModel,
  model as functional,
  sequential,
  type SymbolicTensor,
} from "@tensorflow/tfjs-layers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { millraceError } from "../../rejection.js";
import { owned } from "./owned.js";
import { IMAGE, TOPOLOGIES } from "./topologies.js";
import { largestDifference, outputsOf, randomise, someUnits, zeroUnits } from "./zeroed.js";

let backend: Backend;
beforeAll(async () => ({ backend } = await selectBackend("wasm")));
afterAll(() => backend.close());

/** The kernel of a model's first layer. */
function firstKernel(model: LayersModel): Float32Array {
  return Float32Array.from(model.layers[0]!.getWeights()[0]!.dataSync());
}

/** What pruning these filters is refused with. */
async function refusal(model: LayersModel, options: Parameters<typeof pruneFilters>[1]): Promise<string> {
  return (await millraceError(pruneFilters(model, options))).message;
}

describe("filterGroups", () => {
  it("says which layers of a residual network go together, and who takes their channels", () => {
    const model = owned(createModel("mini-resnet", { classes: 3, inputShape: [8, 8, 1] }));
    const groups = filterGroups(model).map(({ layers: names, units, followers }) => [
      names.join(),
      units.length,
      followers.join(),
    ]);
    expect(groups).toContainEqual([
      "block2_conv2,block2_project",
      32,
      "block2_conv2_norm,block2_project_norm,block3_conv1,block3_project",
    ]);
    expect(
      filterGroups(model)
        .at(-1)
        ?.units.map(({ isRemovable }) => isRemovable),
    ).toEqual([false, false, false]);
  });
});

describe("pruneFilters", () => {
  let lenet: LayersModel;
  beforeAll(() => {
    lenet = createModel("lenet", { classes: 10, inputShape: [28, 28, 1] });
  });
  afterAll(() => lenet.dispose());

  it("removes the filters with the lowest scores, the last of equals", async () => {
    const scores = new Map([
      ["conv1/kernel", Float32Array.from({ length: 500 }, (_, at) => [3, 1, 2, 1][at % 4] as number)],
    ]);
    const { model: pruned, kept, groups } = await pruneFilters(lenet, { keep: new Map([["conv1", 0.7]]), scores });
    owned(pruned);
    expect(kept.get("conv1")).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 18]);
    expect(groups.map(({ before, after }) => [before, after])).toEqual([
      [20, 14],
      [50, 50],
      [500, 500],
    ]);
  });

  it.each(["l1", "l2"] as const)("scores by %s", async (scores) => {
    const model = owned(
      sequential({ layers: [layers.dense({ inputShape: [2], units: 3 }), layers.dense({ units: 1 })] }),
    );
    model.layers[0]?.setWeights([backend.tf.tensor2d([4, 3.5, 1, 0, 2, 1], [2, 3]), backend.tf.zeros([3])]);
    const { model: pruned, kept } = await pruneFilters(model, { keep: 0.3, scores });
    owned(pruned);
    // The sums are 4, 5.5 and 2, the norms 4, 4.03 and 1.41.
    expect(kept.get(model.layers[0]?.name ?? "")).toEqual([1]);
  });

  it("scores by the scale of batch norm", async () => {
    const model = owned(createModel("mini-resnet", { classes: 3, inputShape: [8, 8, 1] }));
    model
      .getLayer("block1_conv1_norm")
      .setWeights([
        backend.tf.tensor1d(Array.from({ length: 16 }, (_, at) => (at % 2 === 0 ? -at - 1 : 0.1))),
        backend.tf.zeros([16]),
        backend.tf.zeros([16]),
        backend.tf.ones([16]),
      ]);
    const { model: pruned, kept } = await pruneFilters(model, { keep: 0.5, scores: "batchNorm" });
    owned(pruned);
    expect(kept.get("block1_conv1")).toEqual([0, 2, 4, 6, 8, 10, 12, 14]);
    expect(await refusal(lenet, { keep: 0.5, scores: "batchNorm" })).toMatch(/conv1 have no batch norm.*l1/);
  });

  it("leaves layers alone that it shall ignore, and those that are added to them", async () => {
    const model = owned(createModel("mini-resnet", { classes: 3, inputShape: [8, 8, 1] }));
    const { model: pruned, kept } = await pruneFilters(model, { keep: 0.5, ignore: ["block2_project"] });
    owned(pruned);
    expect(kept.get("block2_conv2")).toHaveLength(32);
    expect(kept.get("block2_conv1")).toHaveLength(16);
  });

  it("keeps names, metadata and frozen layers, so that it can go on as before", async () => {
    const model = owned(createModel("lenet", { classes: 10, inputShape: [16, 16, 1] }));
    model.getLayer("conv2").trainable = false;
    model.setUserDefinedMetadata({ made: "here" });
    const { model: pruned } = await pruneFilters(model, { keep: 0.5 });
    owned(pruned);
    expect(pruned.layers.map(({ name }) => name)).toEqual(model.layers.map(({ name }) => name));
    expect(pruned.getUserDefinedMetadata()).toEqual({ made: "here" });
    expect(pruned.getLayer("conv2").trainable).toBe(false);
  });

  it("removes filters in rounds, with training in between, and frees the models of the rounds", async () => {
    const tensors = backend.tf.memory().numTensors;
    const seen: number[] = [];
    const {
      model: pruned,
      groups,
      kept,
    } = await iterateFilters(lenet, {
      keep: 0.25,
      rounds: 2,
      fineTune: ({
        model: {
          layers: [first],
        },
        round,
      }) => {
        seen.push(round, first?.getConfig()["filters"] as number);
        return Promise.resolve();
      },
    });
    expect(seen).toEqual([0, 10, 1, 5]);
    expect(groups.map(({ before, after }) => [before, after])).toEqual([
      [20, 5],
      [50, 13],
      [500, 125],
    ]);
    // The numbers are those of the first model.
    const first = firstKernel(lenet);
    const left = kept.get("conv1") ?? [];
    expect([...firstKernel(pruned)]).toEqual(
      Array.from({ length: 125 }, (_, at) => first[Math.floor(at / 5) * 20 + left[at % 5]!]),
    );
    pruned.dispose();
    const broken = iterateFilters(lenet, {
      keep: 0.5,
      rounds: 1,
      fineTune: () => Promise.reject(new RangeError("stop")),
    });
    await expect(broken).rejects.toThrow("stop");
    expect(backend.tf.memory().numTensors).toBe(tensors);
  });

  it("looks into a model inside the model, called twice", async () => {
    const [block, outer] = [input({ shape: [8, 8, 3] }), input({ shape: [...IMAGE] })];
    const inside = layers.conv2d({ filters: 4, kernelSize: 3, padding: "same", activation: "relu" }).apply(block);
    const last = layers.conv2d({ filters: 3, kernelSize: 1 }).apply(inside) as SymbolicTensor;
    const inner = functional({ name: "inner", inputs: block, outputs: last });
    const stem = layers.conv2d({ filters: 3, kernelSize: 2 }).apply(outer);
    const flat = layers.flatten().apply(inner.apply(inner.apply(stem)));
    const whole = owned(
      functional({ inputs: outer, outputs: layers.dense({ units: 2 }).apply(flat) as SymbolicTensor }),
    );
    randomise(whole, 3, false);
    zeroUnits(whole, someUnits(whole, 4, 0.9));
    const { model: pruned, kept } = await pruneFilters(whole, { keep: "exact" });
    owned(pruned);
    expect([...kept.values()].map(({ length }) => length)).toEqual([1, 1, 1, 2]);
    expect(largestDifference(outputsOf(pruned), outputsOf(whole))).toBeLessThanOrEqual(1e-5);
  });

  it("refuses layers that it does not know, unless what goes into them is ignored", async () => {
    class Doubled extends layers.Layer {
      static className = "Doubled";
      override call(inputs: Tensor | Tensor[]): Tensor {
        return backend.tf.mul([inputs].flat()[0] as Tensor, 2);
      }
    }
    serialization.registerClass(Doubled);
    const model = owned(
      sequential({
        layers: [
          layers.conv2d({ inputShape: [...IMAGE], filters: 4, kernelSize: 3, name: "before" }),
          new Doubled({ name: "doubled" }),
          layers.conv2d({ filters: 4, kernelSize: 3, name: "after" }),
          layers.flatten(),
          layers.dense({ units: 2 }),
        ],
      }),
    );
    expect(await refusal(model, { keep: 0.5 })).toMatch(
      /"before" go into doubled.*found Doubled.*ignore: \["before"\]/,
    );
    const { model: pruned, kept } = await pruneFilters(model, { keep: 0.5, ignore: ["before"] });
    owned(pruned);
    expect([kept.get("before")?.length, kept.get("after")?.length]).toEqual([4, 2]);
    expect(outputsOf(pruned)).toHaveLength(4);
  });

  it("refuses a layer that mixes channels", async () => {
    const model = owned(
      sequential({
        layers: [
          layers.dense({ inputShape: [4], units: 6, name: "inner", activation: "softmax" }),
          layers.dense({ units: 2 }),
        ],
      }),
    );
    expect(await refusal(model, { keep: 0.5 })).toMatch(/"inner" go into inner.*found softmax.*ignore: \["inner"\]/);
  });

  it("refuses a model without anything that can be removed", async () => {
    const single = owned(
      sequential({ layers: [layers.flatten({ inputShape: [...IMAGE] }), layers.dense({ units: 2 })] }),
    );
    expect(await refusal(single, { keep: 0.5 })).toMatch(/no filters that can be removed.*maskWeights/);
    expect(await refusal(lenet, { keep: 0.5, ignore: ["conv1", "conv2", "dense1"] })).toMatch(/no filters/);
    expect(await refusal(sequential(), { keep: 0.5 })).toMatch(/model: has no outputs.*inputShape/);
  });

  it.each<[Parameters<typeof pruneFilters>[1], RegExp]>([
    [{ keep: 0 }, /keep: is no share.*above 0, as no layer can be emptied.*found 0/],
    [{ keep: 1.5 }, /keep.*found 1.5/],
    [{ keep: new Map([["conv1", Number.NaN]]) }, /keep of conv1.*found NaN/],
    [{ keep: new Map([["conv9", 0.5]]) }, /keep: the model has no such layer; expected .*conv1.*found conv9/],
    [{ keep: 0.5, ignore: ["pool9"] }, /ignore.*found pool9/],
    [{ keep: 0.5, minFilters: 0 }, /minFilters.*from 1, found 0/],
    [{ keep: 0.5, round: 1.5 }, /round.*found 1.5/],
    [{ keep: 0.5, scores: "l3" as "l1" }, /scores.*l1 \| l2 \| batchNorm \| a map of scores, found l3/],
    [
      { keep: 0.5, scores: new Map([["conv1/kernel", new Float32Array(3)]]) },
      /scores: do not fit.*500 numbers, found 3/,
    ],
    [{ keep: 0.5, scores: new Map([["conv1/kernel", new Float32Array(500).fill(Number.NaN)]]) }, /not a number/],
  ])("refuses %j", async (options, text) => {
    const error = await millraceError(pruneFilters(lenet, options));
    expect(error).toBeInstanceOf(OptionError);
    expect(error.message).toMatch(text);
  });

  it("refuses two shares for filters that can only be removed together", async () => {
    const model = owned(createModel("mini-resnet", { classes: 3, inputShape: [8, 8, 1] }));
    const keep = new Map([
      ["block2_conv2", 0.5],
      ["block2_project", 0.25],
    ]);
    expect(await refusal(model, { keep })).toMatch(/block2_conv2, block2_project can only.*found 0.5 and 0.25/);
  });
});

describe("countMacs", () => {
  it("counts LeNet-5 as by hand", () => {
    const {
      parameters,
      macs,
      layers: each,
      uncounted,
    } = countMacs(owned(createModel("lenet", { classes: 10, inputShape: [28, 28, 1] })));
    expect([parameters, macs, uncounted]).toEqual([431_080, 2_293_000, []]);
    expect(each.filter((layer) => layer.macs > 0).map(({ name, macs: own }) => [name, own])).toEqual([
      ["conv1", 24 * 24 * 25 * 20],
      ["conv2", 8 * 8 * 25 * 20 * 50],
      ["dense1", 800 * 500],
      ["logits", 5000],
    ]);
  });

  it.skipIf(count(1, 0))("counts ResNet-18 at 224 pixels as torchvision's documentation does: 1.81 billion", () => {
    const { parameters, macs } = countMacs(
      owned(createModel("resnet18", { classes: 1000, inputShape: [224, 224, 3] })),
    );
    // 11,689,512, and mean and variance of 4,800 channels of batch norm.
    expect(parameters).toBe(11_689_512 + 2 * 4800);
    expect(macs / 1e9).toBeCloseTo(1.814, 3);
  });

  it.each([
    [
      "depthwise, multiplier 2",
      layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, inputShape: [6, 6, 3] }),
      16 * 9 * 3 * 2,
    ],
    [
      "separable",
      layers.separableConv2d({ kernelSize: 3, filters: 5, strides: 2, inputShape: [7, 7, 3] }),
      9 * (9 * 3 + 3 * 5),
    ],
    [
      "transposed",
      layers.conv2dTranspose({ kernelSize: 2, filters: 4, strides: 2, inputShape: [3, 3, 5] }),
      9 * 4 * 5 * 4,
    ],
    ["of one dimension", layers.conv1d({ kernelSize: 3, filters: 4, inputShape: [8, 2] }), 6 * 3 * 2 * 4],
    ["dense along the last axis", layers.dense({ units: 4, inputShape: [5, 3] }), 5 * 3 * 4],
  ])("counts a layer that is %s", (_, layer, expected) => {
    expect(countMacs(owned(sequential({ layers: [layer] }))).macs).toBe(expected);
  });

  it("counts a shared layer as often as it works, and a model inside the model", () => {
    const shared = countMacs(owned(TOPOLOGIES.get("shared")?.({ padding: "same", activation: "relu" }) as LayersModel));
    expect(shared.layers.find(({ macs }) => macs === 2 * 81 * 9 * 4 * 4)).toBeDefined();
    const inner = createModel("lenet", { classes: 10, inputShape: [28, 28, 1] });
    const outer = countMacs(owned(sequential({ layers: [inner as never, layers.dense({ units: 3 })] })));
    expect([outer.macs, outer.parameters]).toEqual([2_293_000 + 30, 431_080 + 33]);
    expect(outer.layers.map(({ name }) => name)).toContain("conv1");
  });

  it("names layers whose work it does not know, and refuses open shapes", () => {
    const recurrent = sequential({
      layers: [layers.simpleRNN({ units: 3, recurrentInitializer: "zeros", inputShape: [4, 2], name: "memory" })],
    });
    expect(countMacs(owned(recurrent)).uncounted).toEqual(["memory"]);
    const open = sequential({
      layers: [layers.conv2d({ filters: 2, kernelSize: 3, inputShape: [null, 8, 1], name: "open" })],
    });
    expect(() => countMacs(owned(open))).toThrow(
      /size of open is open.*found \[any, any, 6, 2\].*inputShape of numbers/,
    );
  });
});
