import { OptionError } from "@millrace/formats";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { WeightRule } from "../../training/weight-rule.js";
import { applyMasks, maskRule } from "./apply-masks.js";
import { checkShare } from "./choose-filters.js";
import { type MaskOptions, maskWeights, type WeightMasks } from "./mask-weights.js";
import { pruneFilters, type PrunedModel, type PruneFiltersOptions } from "./prune-filters.js";
import { sparsityAt, type SparsitySchedule } from "./sparsity-schedule.js";

/** How to mask in rounds. */
export interface IterateMasksOptions extends Omit<MaskOptions, "sparsity" | "scores"> {
  /** The share of zeros; round `n` takes that of step `n`. */
  readonly schedule: SparsitySchedule;
  readonly rounds: number;
  /** Scores of the model as it is in a round. Default `magnitude`. */
  readonly scores?: ((model: LayersModel) => Promise<ReadonlyMap<string, Float32Array>>) | undefined;
  /** Trains the model of a round with {@link train} and this `weightRule`, which is disposed afterwards. */
  readonly fineTune: (round: MaskRound) => Promise<void>;
}

/** One round of masking. */
export interface MaskRound {
  /** From 0. */
  readonly round: number;
  readonly sparsity: number;
  readonly masks: WeightMasks;
  readonly weightRule: WeightRule;
}

/**
 * Masks weights in rounds and trains in between: in each round as many become zero as the schedule says, in place, then
 * `fineTune` runs.
 * @returns the masks of the last round.
 * @throws {@link OptionError} as {@link maskWeights} and {@link sparsityAt}; an error of `fineTune` as it is.
 */
export async function iterateMasks(model: LayersModel, options: IterateMasksOptions): Promise<WeightMasks> {
  const { schedule, scores, fineTune } = options;
  const rounds = checkRounds(options.rounds);
  let masks: WeightMasks = new Map();
  for (let round = 0; round < rounds; round++) {
    const sparsity = sparsityAt(schedule, round);
    masks = await maskWeights(model, { ...options, sparsity, scores: await scores?.(model) });
    applyMasks(model, masks);
    using weightRule = maskRule(masks);
    await fineTune({ round, sparsity, masks, weightRule });
  }
  return masks;
}

/** How to remove filters in rounds. */
export interface IterateFiltersOptions extends Omit<PruneFiltersOptions, "keep" | "scores"> {
  /** The share of its filters that each group keeps in the end, above 0 to 1. */
  readonly keep: number;
  readonly rounds: number;
  /** Scores of the model as it is in a round. Default `l1`. */
  readonly scores?: PruneFiltersOptions["scores"] | ((model: LayersModel) => Promise<PruneFiltersOptions["scores"]>);
  /** Trains the model of a round with {@link train}. The model is disposed after the next round, but for the last one. */
  readonly fineTune: (round: FilterRound) => Promise<void>;
}

/** One round of removing filters. */
export interface FilterRound extends PrunedModel {
  /** From 0. */
  readonly round: number;
}

/**
 * Removes filters in rounds, each of which keeps about the same share of what the one before left, and trains in
 * between. The given model is neither changed nor disposed.
 * @returns the model of the last round; the caller's to dispose. Its `kept` are numbers of the round before.
 * @throws {@link OptionError} as {@link pruneFilters}; an error of `fineTune` as it is, and the models of the rounds are
 * disposed then.
 */
export async function iterateFilters(model: LayersModel, options: IterateFiltersOptions): Promise<PrunedModel> {
  const { scores, fineTune, ...rest } = options;
  const rounds = checkRounds(options.rounds);
  const keep = checkShare("keep", options.keep) ** (1 / rounds);
  let last: PrunedModel | undefined;
  for (let round = 0; round < rounds; round++) {
    const from: LayersModel = last?.model ?? model;
    try {
      const scored = typeof scores === "function" ? await scores(from) : scores;
      const next = await pruneFilters(from, { ...rest, keep, scores: scored });
      if (last !== undefined) freeWeights(last.model);
      last = next;
      await fineTune({ ...next, round });
    } catch (error) {
      if (last !== undefined) freeWeights(last.model);
      throw error;
    }
  }
  return last as PrunedModel;
}

/** Frees a model of ours whole: `dispose` of TensorFlow.js leaves the weights of shared layers. */
function freeWeights(model: LayersModel): void {
  for (const weight of model.weights) weight.dispose();
}

function checkRounds(rounds: number): number {
  if (Number.isSafeInteger(rounds) && rounds >= 1) return rounds;
  throw new OptionError({
    option: "rounds",
    problem: "is impossible",
    expected: "a whole number from 1",
    found: String(rounds),
  });
}
