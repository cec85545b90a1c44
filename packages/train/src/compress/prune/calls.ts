import { OptionError } from "@millrace/formats";
import type { LayersModel, SymbolicTensor } from "@tensorflow/tfjs-layers";

/** A layer of a model. */
export type Layer = LayersModel["layers"][number];

/** One use of a layer in a model; a shared layer has several. */
export interface Call {
  readonly layer: Layer;
  /** The name under which TensorFlow.js serialises the layer's class, `Conv2D` for example. */
  readonly className: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly inputs: readonly SymbolicTensor[];
  readonly outputs: readonly SymbolicTensor[];
}

/**
 * All uses of layers that a model's outputs depend on, each after those that it depends on. A model inside the model is
 * one layer.
 * @throws {@link OptionError} if the model has not been built.
 */
export function readCalls(model: LayersModel): Call[] {
  if (model.outputs.length === 0)
    throw new OptionError({ option: "model", problem: "has no outputs", fix: "give the first layer an inputShape" });
  const calls: Call[] = [];
  const seen = new Set<number>();
  const visit = (tensor: SymbolicTensor): void => {
    const { sourceLayer: layer, nodeIndex } = tensor;
    const node = layer.inboundNodes[nodeIndex];
    if (node === undefined || seen.has(node.id)) return;
    seen.add(node.id);
    for (const input of node.inputTensors) visit(input);
    const isInput = layer.getClassName() === "InputLayer";
    calls.push({
      layer,
      className: layer.getClassName(),
      config: layer.getConfig(),
      inputs: isInput ? [] : node.inputTensors,
      outputs: node.outputTensors,
    });
  };
  for (const output of model.outputs) visit(output);
  return calls;
}

/** The last part of a weight's name: `kernel` of `conv1/kernel`. */
export function roleOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** The full name of a layer's weight by its role, `kernel` for example; `undefined` if the layer has none. */
export function weightName(layer: Layer, role: string): string | undefined {
  return layer.weights.find(({ originalName }) => roleOf(originalName) === role)?.originalName;
}
