import { OptionError, type Statistics } from "@millrace/formats";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { Backend } from "../backends/backend.js";
import type { Clock } from "../clock.js";
import { wholeNumber } from "../profile/whole-number.js";
import type { Fact } from "../report/report.js";
import type { TrainProgress } from "../training/progress.js";
import type { TrainLoader } from "../training/train-options.js";
import { checkModel, hasHiddenFilters } from "./check-model.js";
import type { CompressGrid } from "./candidate-grid.js";
import type { CandidateReport, CompressSetting, ModelReport } from "./compress-report.js";

/** How to compress a model. */
export interface CompressOptions {
  /** A classifier of images, as {@link compressModel} says. It stays the caller's, and as it is. */
  readonly model: LayersModel;
  /** The open backend that the model lives on. */
  readonly backend: Backend;
  /** What candidates are fine-tuned on. */
  readonly loader: TrainLoader;
  /** What accuracy is measured on. */
  readonly validation: TrainLoader;
  /** The accuracy that may be lost, as a share of all samples: 0.01 is one point of a hundred. */
  readonly maxAccuracyDrop: number;
  /**
   * Shares of the filters of each group of layers that stay, above 0 to 1. Default 1, 0.5, 0.35; of a model without filters
   * that can be removed, 1.
   */
  readonly filterShares?: readonly number[] | undefined;
  /** Shares of the weights that become zero, 0 to less than 1. Default 0, 0.8, 0.9, 0.95. */
  readonly sparsities?: readonly number[] | undefined;
  /** Bits of a weight: 32, 16 (float16), 8 (int8 by channel), 7 to 4 (a codebook for each weight). Default 8, 5, 4. */
  readonly bits?: readonly number[] | undefined;
  /** Passes over `loader` after each step of pruning; one that loses too much gets as many once more. Default 1. */
  readonly epochs?: number | undefined;
  /** Highest learning rate of the fine-tuning, by Adam with a cosine. Default 0.001. */
  readonly learningRate?: number | undefined;
  /**
   * Also tries what cannot become the smallest, gentle settings first, to see what each point of accuracy costs. Default
   * false.
   */
  readonly exhaustive?: boolean | undefined;
  /** Names of layers that stay as they are. */
  readonly ignore?: readonly string[] | undefined;
  /** See `TrainOptions.statistics`: those that the model was trained with. */
  readonly statistics?: Statistics | undefined;
  /** Default `image`. */
  readonly imageField?: string | undefined;
  /** Default `label`. */
  readonly labelField?: string | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
  /** Time that measuring the speed of a model may take, in seconds. Default 1. */
  readonly speedSeconds?: number | undefined;
  /** How long a batch, a step or a fence may take, in ms. Default 300,000. */
  readonly deadlineMs?: number | undefined;
  /** Lines about the run that the report shows. */
  readonly facts?: readonly Fact[] | undefined;
  /** Told what is done. */
  readonly onProgress?: ((progress: CompressProgress) => void) | undefined;
  readonly clock?: Clock | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What {@link CompressOptions.onProgress} is told. */
export type CompressProgress =
  | { readonly kind: "before"; readonly model: ModelReport }
  /** A candidate is being fine-tuned. */
  | { readonly kind: "training"; readonly setting: CompressSetting; readonly progress: TrainProgress }
  /** A candidate is done with, `done` of `total`. */
  | {
      readonly kind: "candidate";
      readonly candidate: Omit<CandidateReport, "isOnFront">;
      readonly done: number;
      readonly total: number;
    }
  /** The speed of so many models is being measured. */
  | { readonly kind: "speed"; readonly models: number };

/** {@link CompressOptions} that have a default, with nothing left open. */
export interface CompressSettings {
  readonly grid: CompressGrid;
  readonly maxAccuracyDrop: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly exhaustive: boolean;
  readonly ignore: readonly string[];
  /** False if the model has no filters that could be removed. */
  readonly hasFilters: boolean;
  readonly seed: number;
  readonly speedMs: number;
}

/** Shares of the filters unless others are given, where there are filters to remove. */
const SHARES = [1, 0.5, 0.35];
/** Fewest bits of a weight. */
const LEAST_BITS = 4;
/** Most bits of a codebook. */
const MOST_CODEBOOK_BITS = 8;

/**
 * Checks the options and fills in the defaults.
 * @throws {@link OptionError} naming the option, what is expected and what was found.
 */
export function resolveCompressOptions(options: CompressOptions): CompressSettings {
  const { maxAccuracyDrop, learningRate = 0.001, speedSeconds = 1 } = options;
  if (!(maxAccuracyDrop >= 0 && maxAccuracyDrop < 1))
    throw impossible("maxAccuracyDrop", "a share of all samples from 0 to less than 1: 0.01", maxAccuracyDrop);
  if (!(learningRate > 0 && learningRate < Infinity))
    throw impossible("learningRate", "a number above 0", learningRate);
  if (!(speedSeconds > 0 && speedSeconds <= 3600))
    throw impossible("speedSeconds", "a number above 0, at most 3,600", speedSeconds);
  const { model, ignore = [] } = options;
  checkModel(model, ignore);
  const hasFilters = hasHiddenFilters(model, ignore);
  const shares = axis(
    "filterShares",
    options.filterShares ?? (hasFilters ? SHARES : [1]),
    "shares above 0 to 1",
    isShare,
  );
  if (!hasFilters && shares.some((share) => share < 1)) throw noFilters(shares);
  const sparsities = axis("sparsities", options.sparsities ?? [0, 0.8, 0.9, 0.95], "0 to less than 1", isSparsity);
  const bits = axis("bits", options.bits ?? [8, 5, 4], "32, 16, 8, 7, 6, 5 or 4", isBits);
  return {
    grid: {
      filterShares: shares.toSorted((a, b) => b - a),
      sparsities: sparsities.toSorted((a, b) => a - b),
      bits: bits.toSorted((a, b) => b - a),
    },
    maxAccuracyDrop,
    epochs: wholeNumber("epochs", options.epochs ?? 1, 1),
    learningRate,
    exhaustive: options.exhaustive ?? false,
    ignore,
    hasFilters,
    seed: wholeNumber("seed", options.seed ?? 0, 0),
    speedMs: speedSeconds * 1000,
  };
}

function noFilters(shares: readonly number[]): OptionError {
  const problem = "the model has no filters that can be removed";
  const fix = "leave it out, or give the share 1 alone: its weights can be pruned";
  return new OptionError({ option: "filterShares", problem, found: `shares ${shares.join(", ")}`, fix });
}

function isShare(value: number): boolean {
  return value > 0 && value <= 1;
}

function isSparsity(value: number): boolean {
  return value >= 0 && value < 1;
}

function isBits(value: number): boolean {
  return (
    value === 32 || value === 16 || (Number.isInteger(value) && value >= LEAST_BITS && value <= MOST_CODEBOOK_BITS)
  );
}

/** The values of an axis, each once. */
function axis(
  option: string,
  values: readonly number[],
  expected: string,
  isPossible: (value: number) => boolean,
): number[] {
  if (values.length === 0) throw impossible(option, "at least one value", "none");
  const wrong = values.find((value) => !isPossible(value));
  if (wrong !== undefined) throw impossible(option, expected, wrong);
  return [...new Set(values)];
}

function impossible(option: string, expected: string, found: unknown): OptionError {
  return new OptionError({ option, problem: "is impossible", expected, found: String(found) });
}
