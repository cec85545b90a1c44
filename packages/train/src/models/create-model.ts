import { OptionError } from "@millrace/formats";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { ACTIVATIONS, type ActivationName } from "./activation.js";
import { createLenet } from "./lenet.js";
import { createMiniResnet } from "./mini-resnet.js";
import { createResnet18 } from "./resnet18.js";

/** The models by name. */
export const MODEL_NAMES = ["lenet", "mini-resnet", "resnet18"] as const;

/** The name of a built-in model. */
export type ModelName = (typeof MODEL_NAMES)[number];

/** What a model is made for. */
export interface ModelOptions {
  /** Number of classes, 2 and up. */
  readonly classes: number;
  /** `[height, width, channels]` of one image. */
  readonly inputShape: readonly [number, number, number];
  /** Seed of the initial weights, an integer from 0 up; equal seeds give equal weights on every backend. Default 0. */
  readonly seed?: number;
  /** What follows the convolutions and hidden layers that have an activation. Default `relu`. */
  readonly activation?: ActivationName | undefined;
}

interface ModelKind {
  readonly create: (options: ModelOptions) => LayersModel;
  /** The smallest height and width that leave a pixel after the last layer. */
  readonly minSize: number;
}

const KINDS: ReadonlyMap<string, ModelKind> = new Map(
  Object.entries<ModelKind>({
    lenet: { create: createLenet, minSize: 16 },
    "mini-resnet": { create: createMiniResnet, minSize: 4 },
    resnet18: { create: createResnet18, minSize: 8 },
  }),
);

/**
 * A new model with fresh weights on the current backend, not compiled. It maps float32
 * `[batch, height, width, channels]` to logits `[batch, classes]` (no softmax). The caller disposes it.
 * @throws {@link OptionError} if the image is too small for the model, or an option is impossible.
 */
export function createModel(name: ModelName, options: ModelOptions): LayersModel {
  const kind = KINDS.get(name);
  if (kind === undefined) throw impossible("model", "no such model", MODEL_NAMES.join(" or "), name);
  const { classes, inputShape, seed = 0, activation = "relu" } = options;
  if (!Number.isInteger(classes) || classes < 2)
    throw impossible("classes", "impossible number of classes", "an integer from 2 up", String(classes));
  if (!Number.isInteger(seed) || seed < 0)
    throw impossible("seed", "impossible seed", "an integer from 0 up", String(seed));
  if (!ACTIVATIONS.includes(activation))
    throw impossible("activation", "no such activation", ACTIVATIONS.join(" | "), activation);
  const [height, width, channels] = inputShape;
  const isWhole = inputShape.length === 3 && inputShape.every((size) => Number.isInteger(size) && size > 0);
  if (!isWhole || channels < 1 || height < kind.minSize || width < kind.minSize)
    throw impossible(
      "inputShape",
      `impossible images for ${name}`,
      `[height, width, channels] with at least ${kind.minSize} x ${kind.minSize} pixels`,
      `[${inputShape.join(", ")}]`,
    );
  return kind.create(options);
}

function impossible(option: string, problem: string, expected: string, found: string): OptionError {
  return new OptionError({ option, problem, expected, found });
}
