import { OptionError } from "@millrace/formats";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { leafLayers } from "./layer-weights.js";
import { MAX_CODEBOOK_BITS, MAX_PRODUCT_BITS, MAX_VECTOR_LENGTH, type QuantizationKind } from "./quantized-tensor.js";

/** The ways to keep weights, by name. */
export const QUANTIZATION_KINDS = ["float32", "float16", "int8", "codebook", "product"] as const;

/** How the weights of a layer are quantised. */
export interface LayerQuantization {
  /** How kernels are kept: weights of rank 2 and up. */
  readonly kind: QuantizationKind;
  /** Of `codebook`, 1 to 8, default 5; of `product`, 1 to 10, default 8. */
  readonly bits?: number | undefined;
  /** Of `int8`: a scale for each output channel, or one for the tensor. Default `channel`. */
  readonly granularity?: "tensor" | "channel" | undefined;
  /** Of `int8`: whether the grid lies about zero. Default true. */
  readonly symmetric?: boolean | undefined;
  /** Of `product`: weights that share a code, 1 to 64. Default 4. */
  readonly vectorLength?: number | undefined;
  /**
   * How weights of rank 0 and 1 are kept: biases, and the scales, shifts and averages of batch norm. They are few, and
   * errors in them count. Default `float32`.
   */
  readonly vectors?: "float32" | "float16" | undefined;
}

/** How a model is quantised. */
export interface QuantizationOptions extends LayerQuantization {
  /** What is different for single layers, by name. */
  readonly perLayer?: ReadonlyMap<string, Partial<LayerQuantization>> | undefined;
  /** Names of layers whose weights stay as they are. */
  readonly ignore?: readonly string[] | undefined;
  /** Of the first centroids of `product`. Default 0. */
  readonly seed?: number | undefined;
}

/** {@link LayerQuantization} with its defaults. */
export type LayerSettings = { readonly [K in keyof LayerQuantization]-?: Exclude<LayerQuantization[K], undefined> };

const AS_IT_IS: LayerSettings = {
  kind: "float32",
  bits: MAX_CODEBOOK_BITS,
  granularity: "channel",
  symmetric: true,
  vectorLength: 1,
  vectors: "float32",
};

/**
 * Checks the options and tells what they mean for each layer of a model.
 * @throws {@link OptionError} naming the option that is impossible, or the layer that is not in the model.
 */
export function layerSettings(model: LayersModel, options: QuantizationOptions): (layer: string) => LayerSettings {
  const names = new Set(leafLayers(model).map(({ name }) => name));
  const known = (option: string, layer: string): void => {
    if (names.has(layer)) return;
    const problem = `names the layer ${layer}, which the model does not have`;
    throw new OptionError({ option, problem, expected: [...names].join(" | ") });
  };
  const ignored = new Set(options.ignore);
  for (const layer of ignored) known("ignore", layer);
  const { seed = 0 } = options;
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new OptionError({
      option: "seed",
      problem: "impossible seed",
      expected: "an integer from 0 up",
      found: String(seed),
    });
  const general = settingsOf(options, "");
  const special = new Map<string, LayerSettings>();
  for (const [layer, partial] of options.perLayer ?? []) {
    known("perLayer", layer);
    special.set(layer, settingsOf({ ...options, ...partial }, ` of the layer ${layer}`));
  }
  return (layer) => (ignored.has(layer) ? AS_IT_IS : (special.get(layer) ?? general));
}

function settingsOf(options: LayerQuantization, whose: string): LayerSettings {
  const { kind, granularity = "channel", symmetric = true, vectorLength = 4, vectors = "float32" } = options;
  const oneOf = (option: string, allowed: readonly unknown[], found: unknown): void => {
    if (!allowed.includes(found)) throw impossible(option, whose, allowed.join(" | "), found);
  };
  const whole = (option: string, most: number, found: number): void => {
    if (!Number.isInteger(found) || found < 1 || found > most) throw impossible(option, whose, `1 to ${most}`, found);
  };
  oneOf("kind", QUANTIZATION_KINDS, kind);
  oneOf("granularity", ["tensor", "channel"], granularity);
  oneOf("symmetric", [true, false], symmetric);
  oneOf("vectors", ["float32", "float16"], vectors);
  whole("vectorLength", MAX_VECTOR_LENGTH, vectorLength);
  const bits = options.bits ?? DEFAULT_BITS.get(kind) ?? MAX_CODEBOOK_BITS;
  if (kind === "codebook") whole("bits", MAX_CODEBOOK_BITS, bits);
  if (kind === "product") whole("bits", MAX_PRODUCT_BITS, bits);
  if (kind === "int8") oneOf("bits", [8], bits);
  return { kind, bits, granularity, symmetric, vectorLength, vectors };
}

const DEFAULT_BITS: ReadonlyMap<QuantizationKind, number> = new Map([
  ["codebook", 5],
  ["product", 8],
]);

function impossible(option: string, whose: string, expected: string, found: unknown): OptionError {
  return new OptionError({ option, problem: `impossible value${whose}`, expected, found: String(found) });
}
