import { OptionError } from "@millrace/formats";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { type Layer, roleOf } from "./calls.js";

/** A weight that can be masked. */
export interface NamedKernel {
  /** The weight's `originalName`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly size: number;
  readonly weight: Layer["weights"][number];
}

/**
 * The kernels of all layers but those that are ignored; layers of a model inside the model count.
 * @throws {@link OptionError} if there are none, two have one name, or there is no layer of an ignored name.
 */
export function kernelsOf(model: LayersModel, ignore: readonly string[]): NamedKernel[] {
  const names = new Set<string>();
  const kernels = new Map<string, NamedKernel>();
  const visit = (layers: readonly Layer[], isIgnored: boolean): void => {
    for (const layer of layers) {
      names.add(layer.name);
      const stays = isIgnored || ignore.includes(layer.name);
      const inner = (layer as Partial<LayersModel>).layers;
      if (inner !== undefined) visit(inner, stays);
      else if (!stays) for (const kernel of ofLayer(layer)) add(kernels, kernel);
    }
  };
  visit(model.layers, false);
  const unknown = ignore.find((name) => !names.has(name));
  if (unknown !== undefined)
    throw new OptionError({
      option: "ignore",
      problem: "the model has no such layer",
      expected: [...names].join(" | "),
      found: unknown,
    });
  if (kernels.size === 0)
    throw new OptionError({ option: "model", problem: "has no kernels to prune", fix: "ignore fewer layers" });
  return [...kernels.values()];
}

function ofLayer(layer: Layer): NamedKernel[] {
  return layer.weights
    .filter(({ originalName }) => roleOf(originalName).endsWith("kernel"))
    .map((weight) => {
      const shape = weight.shape as number[];
      const size = shape.reduce((product, count) => product * count, 1);
      return { name: weight.originalName, shape, size, weight };
    });
}

function add(kernels: Map<string, NamedKernel>, kernel: NamedKernel): void {
  const before = kernels.get(kernel.name);
  if (before !== undefined && before.weight !== kernel.weight)
    throw new OptionError({
      option: "model",
      problem: `has two weights named ${kernel.name}`,
      fix: "name the layers differently",
    });
  kernels.set(kernel.name, kernel);
}
