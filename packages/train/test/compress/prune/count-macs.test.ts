import { count } from "@millrace/testkit";
import { type Backend, createModel, selectBackend } from "@millrace/train";
import { countMacs } from "@millrace/train/compress";
import { layers, type LayersModel, sequential } from "@tensorflow/tfjs-layers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { owned } from "./owned.js";
import { TOPOLOGIES } from "./topologies.js";

let backend: Backend;
beforeAll(async () => ({ backend } = await selectBackend("wasm")));
afterAll(() => backend.close());

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
