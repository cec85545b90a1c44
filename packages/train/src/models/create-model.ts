import { BackendError } from "@millrace/formats";
import type { LayersModel } from "@tensorflow/tfjs-layers";

/** The models by name. */
export const MODEL_NAMES = ["lenet", "mini-resnet"] as const;

/** The name of a built-in model. */
export type ModelName = (typeof MODEL_NAMES)[number];

/** What a model is made for. */
export interface ModelOptions {
  /** Number of classes, 2 and up. */
  readonly classes: number;
  /** `[height, width, channels]` of one image. */
  readonly inputShape: readonly [number, number, number];
  /** Seed of the initial weights, an integer; equal seeds give equal weights on every backend. Default 0. */
  readonly seed?: number;
}

/**
 * A new model with fresh weights on the current backend, not compiled. It maps float32
 * `[batch, height, width, channels]` to logits `[batch, classes]` (no softmax). The caller disposes it.
 * @throws {@link OptionError} if the image is too small for the model, or an option is impossible.
 */
export function createModel(name: ModelName, options: ModelOptions): LayersModel {
  throw new BackendError({ problem: `no model ${name}`, found: JSON.stringify(options) });
}
