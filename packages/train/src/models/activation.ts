import { layers, type LayersModel } from "@tensorflow/tfjs-layers";

/** The activations by name. */
export const ACTIVATIONS = ["relu", "leakyRelu", "gelu", "swish"] as const;

/** The name of an activation. */
export type ActivationName = (typeof ACTIVATIONS)[number];

/** The slope of `leakyRelu` below zero: that of Maas et al. (2013), and of PyTorch. */
const LEAKY_SLOPE = 0.01;

/**
 * A layer that applies an activation to every element, made of stock layers, so that a saved model loads in plain
 * TensorFlow.js. `gelu` is the exact one, `x * (1 + erf(x / sqrt 2)) / 2` (Hendrycks and Gimpel, 2016); `swish` is
 * `x * sigmoid(x)`.
 */
export function activationLayer(activation: ActivationName, name: string): LayersModel["layers"][number] {
  if (activation === "leakyRelu") return layers.leakyReLU({ name, alpha: LEAKY_SLOPE });
  return layers.activation({ name, activation });
}
