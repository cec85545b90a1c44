import {
  clipByValue,
  customGrad,
  type GradSaveFunc,
  greaterEqual,
  lessEqual,
  logicalAnd,
  mul,
  round,
  type Tensor,
  where,
  zerosLike,
} from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { ActivationRange, ActivationRanges } from "./calibrate-activations.js";
import { watchedModel } from "./watched-model.js";

/**
 * A copy of a model whose layers give outputs rounded to 8 bits, 256 levels over their range of which one is exactly 0,
 * so that the accuracy of an engine for int8 can be measured, and trained for: the gradient passes the rounding as if it
 * were not there, and is 0 where an output was cut off (Jacob et al., 2018, section 3). The layers are stock ones: saved,
 * the copy is an ordinary model without the rounding, and `model.setWeights(copy.getWeights())` brings trained weights
 * back. A layer whose outputs were all 0 passes them as they are.
 * @param model - The model that was calibrated. It stays as it is.
 * @returns the caller's to dispose.
 */
export async function simulateActivations(model: LayersModel, { ranges }: ActivationRanges): Promise<LayersModel> {
  return await watchedModel(model, (layer, output) => {
    const range = ranges.get(layer);
    return range === undefined || range.min === range.max ? output : fakeQuantize(output, range);
  });
}

/** An output rounded to 256 levels; inside `tf.tidy`. */
function fakeQuantize(output: Tensor, { min, max }: ActivationRange): Tensor {
  const scale = (max - min) / 255;
  const zeroPoint = Math.round(-min / scale);
  const [low, high] = [-zeroPoint, 255 - zeroPoint];
  const rounded = customGrad((x, save) => {
    // The types of TensorFlow.js do not tell the function that saves from a tensor.
    (save as GradSaveFunc)([x as Tensor]);
    const levels = clipByValue(round(mul(x as Tensor, 1 / scale)), low, high);
    return {
      value: mul(levels, scale),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [input] = saved as [Tensor];
        const inside = logicalAnd(greaterEqual(input, (low - 0.5) * scale), lessEqual(input, (high + 0.5) * scale));
        return where(inside, dy, zerosLike(dy));
      },
    };
  });
  return rounded(output);
}
