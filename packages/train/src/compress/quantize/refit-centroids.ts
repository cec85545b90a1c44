import { OptionError } from "@millrace/formats";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { MAX_FLOAT16, toFloat16 } from "./float16.js";
import { quantizeInt8 } from "./int8.js";
import type { CodebookWeights, ProductWeights, QuantizedModel, QuantizedTensor } from "./quantized-tensor.js";
import { sharedValues } from "./shared-values.js";
import { finiteProblem, tensorProblem } from "./tensor-problem.js";

/**
 * Reads what fine-tuning with {@link centroidRule} made of a quantised model: the same codes with new centroids (the mean
 * of their weights; one that is 0 stays 0), and the other weights anew, each in its kind.
 * @param model - That of {@link dequantizeModel}, trained since. It stays the caller's.
 * @throws {@link OptionError} if the model has other weights, or one that is not finite.
 */
export async function refitCentroids(model: LayersModel, quantized: QuantizedModel): Promise<QuantizedModel> {
  const byName = new Map(model.weights.map((weight) => [weight.originalName, weight]));
  const weights: QuantizedTensor[] = [];
  for (const tensor of quantized.weights) {
    const weight = byName.get(tensor.name);
    const expected = `the weight ${tensor.name} of shape [${tensor.shape.join(", ")}]`;
    const found = weight === undefined ? "none" : `[${weight.shape.join(", ")}]`;
    if (weight?.shape.join() !== tensor.shape.join())
      throw new OptionError({ option: "model", problem: "is another model than the quantised one", expected, found });
    const data = Float32Array.from(await weight.read().data());
    const problem = finiteProblem("weight", data);
    if (problem !== undefined) throw new OptionError({ option: "model", problem: `${tensor.name} ${problem}` });
    weights.push(withValues(tensor, data));
  }
  return { modelTopology: quantized.modelTopology, weights };
}

function withValues(tensor: QuantizedTensor, data: Float32Array): QuantizedTensor {
  switch (tensor.kind) {
    case "float32":
      return { ...tensor, data };
    case "float16": {
      const half = { ...tensor, data: toFloat16(data) };
      if (tensorProblem(half) === undefined) return half;
      const problem = `${tensor.name} has weights above ${MAX_FLOAT16}, the greatest of float16`;
      throw new OptionError({ option: "model", problem });
    }
    case "int8":
      return quantizeInt8(tensor.name, tensor.shape, data, {
        symmetric: tensor.zeroPoints === undefined,
        axis: tensor.axis,
      });
    case "codebook":
    case "product":
      return { ...tensor, centroids: means(tensor, data) };
  }
}

function means(tensor: CodebookWeights | ProductWeights, data: Float32Array): Float32Array {
  const { count, slots } = sharedValues(tensor);
  const sums = new Float64Array(count + 1);
  const counts = new Uint32Array(count + 1);
  for (const [i, slot] of slots.entries()) {
    sums[slot] = (sums[slot] as number) + (data[i] as number);
    counts[slot] = (counts[slot] as number) + 1;
  }
  return tensor.centroids.map((old, slot) =>
    counts[slot] === 0 ? old : (sums[slot] as number) / (counts[slot] as number),
  );
}
