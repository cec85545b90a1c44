import { OptionError } from "@millrace/formats";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { type Call, type Flow, readCalls, roleOf } from "./calls.js";

/** What one sample costs in a layer. */
export interface LayerSize {
  readonly name: string;
  /** All numbers of its weights, the averages of batch norm too. */
  readonly parameters: number;
  /** Multiplications, each with its addition, over all calls of the layer. */
  readonly macs: number;
  /** Of the first call; the batch is `null`. */
  readonly outputShape: readonly (number | null)[];
}

/** What a model costs. */
export interface ModelSize {
  readonly parameters: number;
  readonly macs: number;
  readonly layers: readonly LayerSize[];
  /** Layers with weights whose work is not known, and counts as 0. */
  readonly uncounted: readonly string[];
}

/** Layers whose kernels are used once at each pixel of their output. */
const BY_OUTPUT: ReadonlySet<string> = new Set([
  "Conv1D",
  "Conv2D",
  "Conv3D",
  "DepthwiseConv2D",
  "SeparableConv2D",
  "Dense",
]);
/** Layers whose kernels are used once at each pixel of their input. */
const BY_INPUT: ReadonlySet<string> = new Set(["Conv2DTranspose", "Conv3DTranspose"]);
/** Layers with weights that cost an operation a value, which no count of this kind contains. */
const CHEAP: ReadonlySet<string> = new Set(["BatchNormalization", "LayerNormalization", "PReLU", "Embedding"]);

/**
 * Counts the parameters of a model and the multiply-accumulate operations of one forward pass of one sample: those of
 * convolutions and dense layers, as papers count them; biases, batch norm, activations and pooling cost none. A shared
 * layer works as often as it is called. LeNet-5 has 2.293 million, ResNet-18 at 224 x 224 pixels 1.814 billion.
 * @throws {@link OptionError} if a layer's shape is open, so that nothing can be counted, or two layers have one name.
 */
export function countMacs(model: LayersModel): ModelSize {
  const layers = new Map<string, LayerSize>();
  const uncounted = new Set<string>();
  const add = (size: LayerSize): void => {
    const before = layers.get(size.name);
    layers.set(size.name, before === undefined ? size : { ...before, macs: before.macs + size.macs });
  };
  for (const call of readCalls(model).calls) {
    const { layer, className } = call;
    const isCounted = BY_OUTPUT.has(className) || BY_INPUT.has(className);
    if (!isCounted && !CHEAP.has(className) && layer.weights.length > 0) uncounted.add(layer.name);
    const macs = isCounted ? macsOf(call) : 0;
    add({ name: layer.name, parameters: parametersOf(call), macs, outputShape: call.outputs[0]?.shape ?? [] });
  }
  const sizes = [...layers.values()];
  const sum = (of: (size: LayerSize) => number): number => sizes.reduce((total, size) => total + of(size), 0);
  return {
    parameters: sum(({ parameters }) => parameters),
    macs: sum(({ macs }) => macs),
    layers: sizes,
    uncounted: [...uncounted],
  };
}

function product(shape: readonly (number | null)[]): number {
  return shape.reduce<number>((total, size) => total * (size ?? Number.NaN), 1);
}

function parametersOf({ layer }: Call): number {
  return layer.weights.reduce((sum, { shape }) => sum + product(shape), 0);
}

function macsOf({ layer, className, inputs, outputs }: Call): number {
  const { shape } = (BY_INPUT.has(className) ? inputs[0] : outputs[0]) as Flow;
  const isFirst = layer.getConfig()["dataFormat"] === "channelsFirst";
  const pixels = product(isFirst ? shape.slice(2) : shape.slice(1, -1));
  const kernels = layer.weights.filter(({ originalName }) => roleOf(originalName).endsWith("kernel"));
  const macs = pixels * kernels.reduce((sum, kernel) => sum + product(kernel.shape), 0);
  if (!Number.isNaN(macs)) return macs;
  throw new OptionError({
    option: "model",
    problem: `the size of ${layer.name} is open`,
    expected: "a number for each axis but that of the batch",
    found: `[${shape.map((size) => size ?? "any").join(", ")}]`,
    fix: "make the model with an inputShape of numbers",
  });
}
