import { OptionError } from "@millrace/formats";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { layerWeights } from "./layer-weights.js";
import { layerSettings, type QuantizationOptions } from "./quantization-options.js";
import { quantizeTensor } from "./quantize-tensor.js";
import type { QuantizedModel, QuantizedTensor } from "./quantized-tensor.js";

/**
 * Quantises the weights of a model, which stays as it is. Weights that are zero, pruned ones for example, stay exactly
 * zero in every kind.
 * @returns copies in the host's memory.
 * @throws {@link OptionError} if an option is impossible, a weight is not finite, not float32, or too large for
 * `float16`, or two weights have the same name.
 */
export async function quantizeModel(model: LayersModel, options: QuantizationOptions): Promise<QuantizedModel> {
  const settings = layerSettings(model, options);
  const weights: QuantizedTensor[] = [];
  const names = new Set<string>();
  for (const of of layerWeights(model)) {
    const { originalName, dtype } = of.weight;
    const problem =
      dtype !== "float32" ? `is of ${dtype}, not float32` : names.has(originalName) ? "is the name of two weights" : "";
    if (problem !== "") throw new OptionError({ option: "model", problem: `${originalName} ${problem}` });
    names.add(originalName);
    const data = Float32Array.from(await of.weight.read().data());
    weights.push(quantizeTensor(of, data, settings(of.layer.name), options.seed ?? 0));
  }
  return { modelTopology: topologyOf(model), weights };
}

/** The layers of a model as JSON has them. */
function topologyOf(model: LayersModel): Record<string, unknown> {
  return JSON.parse(model.toJSON(undefined, true) as string) as Record<string, unknown>;
}
