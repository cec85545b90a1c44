import { OptionError } from "@millrace/formats";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { kernelsOf, type NamedKernel } from "./kernels.js";
import { chooseWeights } from "./choose-weights.js";

/** Which numbers of a weight stay. */
export interface WeightMask {
  readonly shape: readonly number[];
  /** 1 for each number that stays, 0 for each that becomes zero; row-major. */
  readonly keep: Uint8Array;
}

/** Masks by the weight's `originalName`. */
export type WeightMasks = ReadonlyMap<string, WeightMask>;

/** Where a share of zeros holds. */
export const MASK_SCOPES = ["global", "layer"] as const;

/** How to choose the weights that become zero. */
export interface MaskOptions {
  /** Share of zeros among the numbers of all kernels that are not ignored, 0 to less than 1. */
  readonly sparsity: number;
  /** `global`: one threshold for all kernels together; `layer`: the same share in each. Default `global`. */
  readonly scope?: (typeof MASK_SCOPES)[number] | undefined;
  /** What a number is worth: its magnitude (Han et al., 2015), or scores as {@link scoreWeights} returns. Default `magnitude`. */
  readonly scores?: "magnitude" | ReadonlyMap<string, Float32Array> | undefined;
  /** Names of layers whose weights all stay. */
  readonly ignore?: readonly string[] | undefined;
}

/**
 * Chooses the weights that become zero: those with the lowest scores, of equals the last. Only kernels are masked, no
 * biases and no batch norm. The share is exact to one number: `Math.round(sparsity * count)` zeros, in each kernel or in
 * all together. Every kernel keeps at least one number, its best. Nothing is changed; see {@link applyMasks}.
 * @throws {@link OptionError} if an option is impossible, the share would empty a kernel, the model has no kernels, or
 * a score is not a number.
 */
export async function maskWeights(model: LayersModel, options: MaskOptions): Promise<WeightMasks> {
  const { sparsity, scope = "global", scores = "magnitude", ignore = [] } = options;
  checkOptions(sparsity, scope);
  const kernels = kernelsOf(model, ignore);
  const scored: Float32Array[] = [];
  for (const kernel of kernels) scored.push(await scoresOf(kernel, scores));
  const chosen =
    scope === "global"
      ? chooseWeights(scored, zerosOf(sparsity, scored, "the model"))
      : scored.flatMap((each, index) => chooseWeights([each], zerosOf(sparsity, [each], kernels[index]?.name ?? "")));
  return new Map(kernels.map(({ name, shape }, index) => [name, { shape, keep: chosen[index] as Uint8Array }]));
}

/** The share of zeros in masks, 0 to 1. */
export function sparsityOf(masks: WeightMasks): number {
  let zeros = 0;
  let count = 0;
  for (const { keep } of masks.values()) {
    count += keep.length;
    for (const stays of keep) zeros += 1 - stays;
  }
  return count === 0 ? 0 : zeros / count;
}

function checkOptions(sparsity: number, scope: string): void {
  if (!(sparsity >= 0 && sparsity < 1))
    throw impossible("sparsity", "is no share of zeros", "0 to less than 1", String(sparsity));
  if (!(MASK_SCOPES as readonly string[]).includes(scope))
    throw impossible("scope", "there is no such scope", MASK_SCOPES.join(" | "), scope);
}

function zerosOf(sparsity: number, scored: readonly Float32Array[], place: string): number {
  const count = scored.reduce((sum, { length }) => sum + length, 0);
  const zeros = Math.round(sparsity * count);
  if (zeros <= count - scored.length) return zeros;
  throw impossible(
    "sparsity",
    `would empty a kernel of ${place}`,
    `at most ${count - scored.length} zeros among ${count} numbers in ${scored.length} kernels`,
    `${zeros}`,
  );
}

async function scoresOf({ name, weight, size }: NamedKernel, scores: MaskOptions["scores"]): Promise<Float32Array> {
  const found =
    scores instanceof Map
      ? (scores as ReadonlyMap<string, Float32Array>).get(name)
      : Float32Array.from(await weight.read().data(), Math.abs);
  if (found === undefined || found.length !== size)
    throw impossible("scores", `do not fit the weight ${name}`, `${size} numbers`, `${found?.length ?? "none"}`);
  if (found.some((score) => Number.isNaN(score)))
    throw impossible("scores", `of the weight ${name} are not all numbers`, "numbers", "NaN");
  return found;
}

function impossible(option: string, problem: string, expected: string, found: string): OptionError {
  return new OptionError({ option, problem, expected, found });
}
