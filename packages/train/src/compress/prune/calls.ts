import { OptionError } from "@millrace/formats";
import type { LayersModel, SymbolicTensor } from "@tensorflow/tfjs-layers";

/** A layer of a model. */
export type Layer = LayersModel["layers"][number];

/** A tensor on its way through a model. */
export interface Flow {
  /** Of its own at each call of a layer, even where a model inside the model is called twice. */
  readonly id: number;
  /** `null` for an axis of any size, as that of the batch is. */
  readonly shape: readonly (number | null)[];
}

/** One use of a layer in a model; a shared layer has several. */
export interface Call {
  readonly layer: Layer;
  /** The name under which TensorFlow.js serialises the layer's class, `Conv2D` for example. */
  readonly className: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly inputs: readonly Flow[];
  readonly outputs: readonly Flow[];
}

/** A model as its layers are called. */
export interface Calls {
  /** Each after those that it depends on. */
  readonly calls: readonly Call[];
  readonly outputs: readonly Flow[];
  /** What a model inside the model takes, and the layer whose configuration has the shape of it. */
  readonly innerInputs: readonly { readonly layer: Layer; readonly flow: Flow }[];
}

/**
 * All uses of layers that a model's outputs depend on. A model inside the model is looked into.
 * @throws {@link OptionError} if the model has not been built, or two layers have one name.
 */
export function readCalls(model: LayersModel): Calls {
  if (model.outputs.length === 0)
    throw new OptionError({ option: "model", problem: "has no outputs", fix: "give the first layer an inputShape" });
  const reader = new Reader();
  const outputs = reader.read(model, []);
  return { outputs, calls: reader.calls, innerInputs: reader.innerInputs };
}

class Reader {
  readonly calls: Call[] = [];
  readonly innerInputs: { layer: Layer; flow: Flow }[] = [];
  readonly #named = new Map<string, Layer>();
  #tensors = 0;

  /** Walks through a model; returns its outputs. Without `inputs`, its input layers are called. */
  read(model: LayersModel, inputs: readonly Flow[]): Flow[] {
    const flows = new Map(inputs.map((flow, index) => [model.inputs[index]?.id, flow]));
    const flowOf = (tensor: SymbolicTensor): Flow => {
      const known = flows.get(tensor.id);
      if (known !== undefined) return known;
      const node = tensor.sourceLayer.inboundNodes[tensor.nodeIndex];
      const { inputTensors = [], outputTensors = [] } = node ?? {};
      const layer = tensor.sourceLayer;
      const taken = layer.getClassName() === "InputLayer" ? [] : inputTensors.map(flowOf);
      const made = this.#call(layer, taken, outputTensors);
      for (const [index, output] of outputTensors.entries()) flows.set(output.id, made[index] as Flow);
      return flows.get(tensor.id) as Flow;
    };
    return model.outputs.map(flowOf);
  }

  #call(layer: Layer, inputs: readonly Flow[], tensors: readonly SymbolicTensor[]): Flow[] {
    if ((layer as Partial<LayersModel>).layers !== undefined)
      return this.#enter(layer as unknown as LayersModel, inputs);
    const before = this.#named.get(layer.name);
    if (before !== undefined && before !== layer) throw twoLayers(layer.name);
    this.#named.set(layer.name, layer);
    const outputs = tensors.map(({ shape }) => ({ id: this.#tensors++, shape }));
    this.calls.push({ layer, className: layer.getClassName(), config: layer.getConfig(), inputs, outputs });
    return outputs;
  }

  #enter(model: LayersModel, inputs: readonly Flow[]): Flow[] {
    for (const [index, flow] of inputs.entries()) {
      const own = model.inputs[index]?.sourceLayer;
      // A sequential model has the shape in its first layer.
      const layer = own !== undefined && model.layers.includes(own) ? own : model.layers[0];
      if (layer !== undefined) this.innerInputs.push({ layer, flow });
    }
    return this.read(model, inputs);
  }
}

function twoLayers(name: string): OptionError {
  return new OptionError({
    option: "model",
    problem: `has two layers named ${name}`,
    fix: "name the layers differently, also those of a model inside the model",
  });
}

/** The last part of a weight's name: `kernel` of `conv1/kernel`. */
export function roleOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** The full name of a layer's weight by its role, `kernel` for example; `undefined` if the layer has none. */
export function weightName(layer: Layer, role: string): string | undefined {
  return layer.weights.find(({ originalName }) => roleOf(originalName) === role)?.originalName;
}
