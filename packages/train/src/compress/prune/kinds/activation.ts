import { type Tensor, tensor2d, tidy } from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";
import { type Constants, mapConstants } from "../constants.js";
import type { Elementwise } from "./kind.js";

/** True for an activation that makes each channel depend on all of them. */
export function mixesChannels(activation: unknown): activation is "softmax" | "logSoftmax" {
  return typeof activation === "string" && /softmax/iu.test(activation);
}

/** The activation of a layer's configuration, applied to constants. */
export function activate(constants: Constants, activation: unknown): Constants {
  if (typeof activation !== "string" || activation === "linear") return constants;
  if (mixesChannels(activation)) return mapConstants(constants, () => Number.NaN);
  const layer = layers.activation({ name: "probe", activation: activation as "relu" });
  return applyElementwise(constants, (x) => layer.apply(x) as Tensor);
}

/** A function of TensorFlow.js that works on each number by itself, applied to constants. */
export function applyElementwise(constants: Constants, run: Elementwise): Constants {
  const known = constants.value.map((value) => (Number.isNaN(value) ? 0 : value));
  const after = tidy(() => run(tensor2d(Float32Array.from(known), [1, known.length])).dataSync());
  return mapConstants(constants, (value, channel) => (Number.isNaN(value) ? value : (after[channel] as number)));
}
