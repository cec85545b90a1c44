import { OptionError } from "@millrace/formats";
import { quantizeCodebook } from "./codebook.js";
import { MAX_FLOAT16, toFloat16 } from "./float16.js";
import { quantizeInt8 } from "./int8.js";
import { channelAxis, type LayerWeight } from "./layer-weights.js";
import { quantizeProduct } from "./product.js";
import type { LayerSettings } from "./quantization-options.js";
import type { QuantizedTensor } from "./quantized-tensor.js";
import { finiteProblem, tensorProblem } from "./tensor-problem.js";

/**
 * Quantises one weight of a model.
 * @param data - Its values, row-major; the result's from now on.
 * @param seed - Of the first centroids of `product`.
 * @throws {@link OptionError} if a value is not finite, or too large for half precision.
 */
export function quantizeTensor(
  of: LayerWeight,
  data: Float32Array,
  settings: LayerSettings,
  seed: number,
): QuantizedTensor {
  const { originalName: name } = of.weight;
  const shape = of.weight.shape as number[];
  const problem = finiteProblem("weight", data);
  if (problem !== undefined)
    throw refused(name, problem, "train the model again with a lower learningRate or clipNorm");
  const kind = shape.length < 2 ? settings.vectors : settings.kind;
  switch (kind) {
    case "float32":
      return { kind, name, shape, data };
    case "float16": {
      const tensor = { kind, name, shape, data: toFloat16(data) };
      if (tensorProblem(tensor) === undefined) return tensor;
      throw refused(
        name,
        `has weights above ${MAX_FLOAT16}, the greatest of float16`,
        `put ${of.layer.name} into ignore`,
      );
    }
    case "int8": {
      const axis = settings.granularity === "channel" && shape.length >= 2 ? channelAxis(of) : undefined;
      return quantizeInt8(name, shape, data, { symmetric: settings.symmetric, axis });
    }
    case "codebook":
      return quantizeCodebook(name, shape, data, settings.bits);
    case "product":
      return quantizeProduct(name, shape, data, { bits: settings.bits, vectorLength: settings.vectorLength, seed });
  }
}

function refused(name: string, problem: string, fix: string): OptionError {
  return new OptionError({ option: "model", problem: `${name} ${problem}`, fix });
}
