import { count } from "@millrace/testkit";
import { type Backend, createModel, type ModelName, selectBackend } from "@millrace/train";
import { countMacs, filterGroups, pruneFilters, type PrunedModel } from "@millrace/train/compress";
import { layers, type LayersModel, sequential } from "@tensorflow/tfjs-layers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { owned } from "./owned.js";
import { IMAGE, type Style, TOPOLOGIES } from "./topologies.js";
import { largestDifference, outputsOf, randomise, someUnits, zeroUnits } from "./zeroed.js";

const NAMES = [...TOPOLOGIES.keys()];

let backend: Backend;
beforeAll(async () => ({ backend } = await selectBackend("wasm")));
afterAll(() => backend.close());

function make(name: string, style: Style, seed: number, hasShift: boolean): LayersModel {
  const model = TOPOLOGIES.get(name)?.(style) as LayersModel;
  randomise(model, seed, hasShift);
  return model;
}

/** The sizes that the layers of a model have. */
function sizes(model: LayersModel): Map<string, number> {
  return new Map(
    model.layers.flatMap((layer) => {
      const { filters, units } = layer.getConfig() as { filters?: number; units?: number };
      const size = filters ?? units;
      return size === undefined ? [] : [[layer.name, size] as const];
    }),
  );
}

/** Checks that a pruned model has the shapes that it says. */
function expectSizes({ model, kept }: PrunedModel): void {
  const found = sizes(model);
  expect([...kept].map(([layer]) => found.get(layer))).toEqual([...kept.values()].map(({ length }) => length));
}

/** A plain model, of which all filters but two of each layer are constants, and what pruning makes of it. */
async function pruneConstants(
  padding: "same" | "valid",
  keep: "exact" | number,
): Promise<{ readonly model: LayersModel; readonly pruned: LayersModel; readonly groups: PrunedModel["groups"] }> {
  const model = owned(make("plain", { padding, activation: "sigmoid" }, 8, true));
  zeroUnits(
    model,
    filterGroups(model).flatMap(({ units }) => units.slice(2).filter(({ isRemovable }) => isRemovable)),
  );
  const { model: pruned, groups } = await pruneFilters(model, { keep });
  return { model, pruned: owned(pruned), groups };
}

const style = fc.record<Style>({
  padding: fc.constantFrom("same", "valid"),
  activation: fc.constantFrom("relu", "elu", "sigmoid", "tanh"),
});
const seed = fc.nat({ max: 1e6 });
const runs = { numRuns: count(2, 25) };

describe.each(NAMES)("a model that is %s", (name) => {
  it("stays the same function when filters that are zero are removed", async () => {
    const zero = style.map(({ padding, activation }): Style => ({
      padding,
      activation: activation === "sigmoid" ? "relu" : activation,
    }));
    await fc.assert(
      fc.asyncProperty(zero, seed, fc.constantFrom(0.3, 0.7, 1), async (drawn, number, share) => {
        const model = make(name, drawn, number, false);
        const units = someUnits(model, number, share);
        zeroUnits(model, units);
        const before = outputsOf(model);
        const pruned = await pruneFilters(model, { keep: "exact" });
        expect(largestDifference(outputsOf(pruned.model), before)).toBeLessThanOrEqual(1e-5);
        const left = units.flatMap(({ filters }) =>
          [...filters].filter(([layer, zeros]) => zeros.some((filter) => pruned.kept.get(layer)?.includes(filter))),
        );
        expect(left).toEqual([]);
        expectSizes(pruned);
        pruned.model.dispose();
        model.dispose();
      }),
      runs,
    );
  });

  it("stays the same function when filters go that are constants, whatever shifts and pads them", async () => {
    await fc.assert(
      fc.asyncProperty(style, seed, fc.constantFrom(0.3, 1), async (drawn, number, share) => {
        const model = make(name, drawn, number, true);
        zeroUnits(model, someUnits(model, number, share));
        const before = outputsOf(model);
        const pruned = await pruneFilters(model, { keep: "exact" });
        expect(largestDifference(outputsOf(pruned.model), before)).toBeLessThanOrEqual(1e-5);
        pruned.model.dispose();
        model.dispose();
      }),
      runs,
    );
  });

  it("keeps any share of its filters, in real shapes, and is not changed itself", async () => {
    const shape = {
      keep: fc.double({ min: 0.01, max: 1, noNaN: true }),
      round: fc.integer({ min: 1, max: 3 }),
      minFilters: fc.integer({ min: 1, max: 3 }),
    };
    await fc.assert(
      fc.asyncProperty(style, seed, fc.record(shape), async (drawn, number, options) => {
        const model = make(name, drawn, number, true);
        const [before, tensors] = [outputsOf(model), backend.tf.memory().numTensors];
        const pruned = await pruneFilters(model, options);
        for (const { before: had, after } of pruned.groups) {
          const wanted = Math.ceil(Number((options.keep * had).toFixed(6)));
          const rounded = Math.min(had, Math.ceil(wanted / options.round) * options.round);
          // Where layers have to keep a few filters, the group may keep more of them.
          const most = rounded >= options.minFilters * 3 ? rounded : had;
          expect(after).toBeGreaterThanOrEqual(rounded);
          expect(after).toBeLessThanOrEqual(most);
        }
        for (const [layer, filters] of pruned.kept)
          expect(filters.length).toBeGreaterThanOrEqual(Math.min(options.minFilters, sizes(model).get(layer) ?? 0));
        expectSizes(pruned);
        expect(outputsOf(pruned.model)).toHaveLength(before.length);
        // The method dispose of TensorFlow.js leaves the weights of shared layers.
        for (const weight of pruned.model.weights) weight.dispose();
        expect(backend.tf.memory().numTensors).toBe(tensors);
        expect(outputsOf(model)).toEqual(before);
        model.dispose();
      }),
      runs,
    );
  });
});

/** Shapes of images of our own models; the large one is left to the long tier. */
const OWN: readonly [ModelName, [number, number, number]][] = [
  ["lenet", [28, 28, 1]],
  ["mini-resnet", [16, 16, 3]],
  ...(count(0, 1) === 1 ? [["resnet18", [16, 16, 3]] satisfies [ModelName, [number, number, number]]] : []),
];

it.each(OWN)(
  "%s stays the same function when filters that are zero are removed, and works less",
  async (name, inputShape) => {
    const model = owned(createModel(name, { classes: 10, inputShape }));
    randomise(model, 5, false);
    zeroUnits(model, someUnits(model, 6, 0.6));
    const { model: pruned } = await pruneFilters(model, { keep: "exact" });
    owned(pruned);
    expect(largestDifference(outputsOf(pruned, inputShape), outputsOf(model, inputShape))).toBeLessThanOrEqual(1e-5);
    expect(countMacs(pruned).macs).toBeLessThan(countMacs(model).macs / 3);
  },
);

describe("a filter that is one number everywhere", () => {
  it("goes into the biases of the next layer", async () => {
    const { model, pruned, groups } = await pruneConstants("valid", "exact");
    expect(groups.map(({ after }) => after)).toEqual([2, 2, 2]);
    expect(largestDifference(outputsOf(pruned), outputsOf(model))).toBeLessThanOrEqual(1e-5);
  });

  it("goes by its low score just as well", async () => {
    const { model, pruned, groups } = await pruneConstants("valid", 0.4);
    expect(groups.map(({ after }) => after)).toEqual([2, 3, 3]);
    expect(largestDifference(outputsOf(pruned), outputsOf(model))).toBeLessThanOrEqual(1e-5);
  });

  it("is not called removable where zeros are padded around it", async () => {
    const { groups } = await pruneConstants("same", "exact");
    expect(groups.map(({ before, after }) => [before, after])).toEqual([
      [5, 5],
      [6, 2],
      [7, 2],
    ]);
  });

  it("gives biases to a layer that has none", async () => {
    const model = owned(
      sequential({
        layers: [
          layers.conv2d({ inputShape: [...IMAGE], filters: 4, kernelSize: 3, activation: "sigmoid" }),
          layers.conv2d({ filters: 3, kernelSize: 3, useBias: false }),
        ],
      }),
    );
    zeroUnits(model, filterGroups(model)[0]?.units.slice(1) ?? []);
    const { model: pruned } = await pruneFilters(model, { keep: "exact" });
    owned(pruned);
    expect(pruned.countParams()).toBe(9 * 2 + 1 + 9 * 3 + 3);
    expect(largestDifference(outputsOf(pruned), outputsOf(model))).toBeLessThanOrEqual(1e-5);
  });
});
