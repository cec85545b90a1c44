import { filterGroups, type FilterUnit } from "@millrace/train/compress";
import { type Tensor, tensor, tensor4d, tidy } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { numbers } from "../../backends/on-backend.js";
import { IMAGE } from "./topologies.js";

/** Numbers that look random, 0..1, the same for each seed. */
export function random(seed: number): () => number {
  let state = (Math.imul(seed, 2_654_435_761) + 12_345) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function role(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** Changes weights by name in place. `change` gets the numbers, which it may change, and the shape. */
export function changeWeights(
  model: LayersModel,
  change: (role: string, data: Float32Array, shape: readonly number[], name: string) => void,
): void {
  for (const weight of model.weights) {
    const data = Float32Array.from(weight.read().dataSync());
    const shape = weight.shape as number[];
    change(role(weight.originalName), data, shape, weight.originalName);
    tidy(() => {
      weight.write(tensor(data, shape));
    });
  }
}

/** Gives a model random weights of a sensible size; without `hasShift`, nothing makes a zero anything else. */
export function randomise(model: LayersModel, seed: number, hasShift: boolean): void {
  const next = random(seed);
  const makesFilters = new Set(filterGroups(model).flatMap(({ layers }) => layers));
  changeWeights(model, (of, data, shape, name) => {
    const fanIn = shape.slice(0, -1).reduce((product, size) => product * size, 1);
    const isOwnBias = of === "bias" && makesFilters.has(name.split("/")[0] ?? "");
    const isShift = of === "beta" || of === "moving_mean" || (of === "bias" && !isOwnBias);
    for (const at of data.keys()) {
      const value = 2 * next() - 1;
      if (of.endsWith("kernel")) data[at] = value * Math.sqrt(3 / fanIn);
      else if (of === "gamma" || of === "moving_variance") data[at] = 1 + value / 2;
      else data[at] = isShift && !hasShift ? 0 : value / 2;
    }
  });
}

/** Makes filters zero, biases included. */
export function zeroUnits(model: LayersModel, units: readonly FilterUnit[]): void {
  const all = new Map<string, Set<number>>();
  for (const { filters } of units)
    for (const [layer, numbered] of filters) all.set(layer, new Set([...(all.get(layer) ?? []), ...numbered]));
  changeWeights(model, (of, data, shape, name) => {
    const layer = name.split("/")[0] ?? "";
    const zeros = all.get(layer);
    if (zeros === undefined || (of !== "bias" && of !== "kernel" && of !== "pointwise_kernel")) return;
    const isTransposed = /transpose/iu.test(layer) && of === "kernel";
    const [rows = 1, columns = 1] = shape.slice(-2);
    for (const at of data.keys()) {
      const filter = isTransposed ? Math.floor(at / columns) % rows : at % (shape.at(-1) as number);
      if (zeros.has(filter)) data[at] = 0;
    }
  });
}

/** Some units of each group that can be removed, but never all of a layer's. */
export function someUnits(model: LayersModel, seed: number, share: number): FilterUnit[] {
  const next = random(seed);
  const stays = new Set<string>();
  return filterGroups(model)
    .flatMap(({ units }) => units)
    .filter((unit) => {
      const isFirst = [...unit.filters.keys()].some((layer) => !stays.has(layer));
      for (const layer of unit.filters.keys()) stays.add(layer);
      return !isFirst && unit.isRemovable && next() < share;
    });
}

/** The outputs of a model for some images, one after another. */
export function outputsOf(model: LayersModel, shape: readonly number[] = IMAGE): Float32Array {
  const size = shape.reduce((product, count) => product * count, 1);
  return tidy(() => {
    const images = tensor4d(numbers(2 * size, 3), [2, ...shape] as [number, number, number, number]);
    const outputs: Tensor[] = [model.predict(images)].flat();
    return Float32Array.from(outputs.flatMap((output) => [...output.dataSync()]));
  });
}

/** The largest difference of two arrays of one length. */
export function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length || a.length === 0) return Number.POSITIVE_INFINITY;
  return a.reduce((largest, value, at) => Math.max(largest, Math.abs(value - (b[at] as number))), 0);
}
