import { StateError } from "@millrace/formats";
import type { io } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { loadLayers } from "../../model-file/load-layers.js";
import { dequantizeTensor } from "./dequantize-tensor.js";
import type { QuantizedModel } from "./quantized-tensor.js";
import { tensorProblem } from "./tensor-problem.js";

/**
 * A plain model of TensorFlow.js with the quantised weights, on the current backend; {@link saveModel} writes it in the
 * exchange format.
 * @param file - Where the weights are from, for messages.
 * @returns the model, not compiled; the caller's to dispose.
 * @throws {@link StateError} if the weights are damaged or do not fit the layers; {@link UnsupportedError} if TensorFlow.js
 * does not know a layer.
 */
export async function dequantizeModel(quantized: QuantizedModel, file?: string): Promise<LayersModel> {
  const weightSpecs: io.WeightsManifestEntry[] = [];
  const parts: Float32Array[] = [];
  for (const tensor of quantized.weights) {
    const problem = tensorProblem(tensor);
    if (problem !== undefined) throw new StateError({ file, problem: `${tensor.name} ${problem}` });
    weightSpecs.push({ name: tensor.name, shape: [...tensor.shape], dtype: "float32" });
    parts.push(dequantizeTensor(tensor));
  }
  return await loadLayers({ modelTopology: quantized.modelTopology, weightSpecs, weightData: joined(parts) }, file);
}

function joined(parts: readonly Float32Array[]): ArrayBuffer {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all.buffer;
}
