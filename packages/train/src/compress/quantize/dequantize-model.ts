import { isMillraceError, StateError } from "@millrace/formats";
import type { io } from "@tensorflow/tfjs-core";
import { loadLayersModel, type LayersModel } from "@tensorflow/tfjs-layers";
import { dequantizeTensor } from "./dequantize-tensor.js";
import type { QuantizedModel } from "./quantized-tensor.js";
import { tensorProblem } from "./tensor-problem.js";

/**
 * A plain model of TensorFlow.js with the quantised weights, on the current backend; {@link saveModel} writes it in the
 * exchange format.
 * @param file - Where the weights are from, for messages.
 * @returns the model, not compiled; the caller's to dispose.
 * @throws {@link StateError} if the weights are damaged or do not fit the layers, or TensorFlow.js does not know a layer.
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
  const artifacts: io.ModelArtifacts = {
    modelTopology: quantized.modelTopology,
    weightSpecs,
    weightData: joined(parts),
  };
  try {
    return await loadLayersModel({ load: () => Promise.resolve(artifacts) });
  } catch (cause) {
    if (isMillraceError(cause)) throw cause;
    const problem = `TensorFlow.js does not load the model: ${cause instanceof Error ? cause.message : String(cause)}`;
    const fix = "register its custom layers first, or save it again from the model that it was made of";
    throw new StateError({ file, problem, fix, cause });
  }
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
