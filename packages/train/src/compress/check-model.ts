import { OptionError } from "@millrace/formats";
import type { LayersModel, SymbolicTensor } from "@tensorflow/tfjs-layers";
import { filterGroups } from "./prune/index.js";

/**
 * Checks that a model is one that can be compressed.
 * @throws {@link OptionError} if it is no classifier of images, or has no layer of a name in `ignore`.
 */
export function checkModel(model: LayersModel, ignore: readonly string[]): void {
  const [input] = model.inputs;
  const [output] = model.outputs;
  const isOne = model.inputs.length === 1 && model.outputs.length === 1;
  if (!isOne || input?.shape.length !== 4 || typeof output?.shape.at(-1) !== "number") {
    throw new OptionError({
      option: "model",
      problem: "is no classifier of images",
      expected: "one input [batch, height, width, channels] and one output [batch, classes]",
      found: `${shapes(model.inputs)} and ${shapes(model.outputs)}`,
      fix: isOne ? "name another model" : "save the part of it that has one input and one output of classes",
    });
  }
  const names = namesOf(model);
  const unknown = ignore.find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const problem = "names a layer that the model does not have";
  throw new OptionError({ option: "ignore", problem, expected: names.join(" | "), found: unknown });
}

/** Names of all layers, those of models inside the model among them. */
function namesOf({ layers }: Pick<LayersModel, "layers">): string[] {
  return layers.flatMap((layer) => [
    layer.name,
    ...("layers" in layer ? namesOf(layer as unknown as Pick<LayersModel, "layers">) : []),
  ]);
}

function shapes(tensors: readonly SymbolicTensor[]): string {
  return tensors.map(({ shape }) => `[${shape.map((size) => size ?? "any").join(", ")}]`).join(" and ");
}

/** True if filters of a model can be removed, or could but for a layer that pruning does not know. */
export function hasHiddenFilters(model: LayersModel, ignore: readonly string[]): boolean {
  return filterGroups(model).some(
    ({ layers, blockedBy, units }) =>
      !layers.some((layer) => ignore.includes(layer)) &&
      (blockedBy === undefined ? units.some(({ isRemovable }) => isRemovable) : !ignore.includes(blockedBy.layer)),
  );
}
