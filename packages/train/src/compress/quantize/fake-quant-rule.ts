import {
  abs,
  add,
  clipByValue,
  div,
  greater,
  max,
  maximum,
  min,
  minimum,
  mul,
  round,
  sub,
  type Tensor,
  where,
} from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { WeightRule } from "../../training/weight-rule.js";
import { channelAxis, layerWeights } from "./layer-weights.js";
import { layerSettings, type QuantizationOptions } from "./quantization-options.js";

/** How one weight is rounded. */
interface Rounding {
  readonly symmetric: boolean;
  /** The axes that a grid spans; `undefined`: all. */
  readonly axes: number[] | undefined;
}

/**
 * Trains a model for `int8`: the passes see weights that are rounded as {@link quantizeModel} will round them, with grids
 * made anew from the weights of each step, while the optimizer updates the weights themselves (Jacob et al., 2018,
 * section 3). Quantise the model afterwards with the same options. Weights of another kind pass as they are; for a
 * codebook there is {@link centroidRule}.
 * @param model - The model that will be trained.
 * @throws {@link OptionError} if an option is impossible.
 */
export function fakeQuantRule(model: LayersModel, options: QuantizationOptions): WeightRule {
  const settings = layerSettings(model, options);
  const roundings = new Map<string, Rounding>();
  for (const of of layerWeights(model)) {
    const { kind, granularity, symmetric } = settings(of.layer.name);
    const rank = of.weight.shape.length;
    if (kind !== "int8" || rank < 2) continue;
    const channel = channelAxis(of);
    const axes = granularity === "channel" ? Array.from({ length: rank }, (_, axis) => axis) : undefined;
    roundings.set(of.weight.originalName, { symmetric, axes: axes?.filter((axis) => axis !== channel) });
  }
  return {
    forward: (name, weight) => {
      const rounding = roundings.get(name);
      return rounding === undefined ? weight : rounded(weight, rounding);
    },
  };
}

/** What int8 leaves of a weight; inside `tf.tidy`. */
function rounded(weight: Tensor, { symmetric, axes }: Rounding): Tensor {
  if (symmetric) {
    const scale = div(max(abs(weight), axes, true), 127);
    const safe = where(greater(scale, 0), scale, 1);
    return mul(clipByValue(round(div(weight, safe)), -127, 127), safe);
  }
  const low = minimum(min(weight, axes, true), 0);
  const scale = div(sub(maximum(max(weight, axes, true), 0), low), 255);
  const safe = where(greater(scale, 0), scale, 1);
  const zeroPoint = round(sub(-128, div(low, safe)));
  const levels = clipByValue(add(round(div(weight, safe)), zeroPoint), -128, 127);
  return mul(sub(levels, zeroPoint), safe);
}
