import { OptionError } from "@millrace/formats";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { WeightRule } from "../../training/weight-rule.js";
import { applyMasks, maskRule } from "./apply-masks.js";
import { checkShare } from "./choose-filters.js";
import { type MaskOptions, maskWeights, type WeightMasks } from "./mask-weights.js";
import { pruneFilters, type PrunedGroup, type PrunedModel, type PruneFiltersOptions } from "./prune-filters.js";
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
 * Removes filters in rounds, each of which leaves the same share of what the one before left, and trains in between. The
 * given model is neither changed nor disposed.
 * @returns the model of the last round, the caller's to dispose; groups and filters as they were in the given model.
 * @throws {@link OptionError} as {@link pruneFilters}; an error of `fineTune` as it is. The models of the rounds are
 * disposed then.
 */
export async function iterateFilters(model: LayersModel, options: IterateFiltersOptions): Promise<PrunedModel> {
  const { scores, fineTune, keep, ...rest } = options;
  const rounds = checkRounds(options.rounds);
  checkShare("keep", keep);
  let last: PrunedModel | undefined;
  for (let round = 0; round < rounds; round++) {
    const from: LayersModel = last?.model ?? model;
    try {
      const share = keep ** ((round + 1) / rounds);
      const scored = typeof scores === "function" ? await scores(from) : scores;
      const shares = last === undefined ? share : sharesOf(last.groups, share);
      const next = since(last, await pruneFilters(from, { ...rest, keep: shares, scores: scored }));
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

/** What each group has to keep of what it has left, so that it has `share` of what it had at first. */
function sharesOf(groups: readonly PrunedGroup[], share: number): ReadonlyMap<string, number> {
  return new Map(
    groups.map(({ layers, before, after }) => {
      const left = Math.ceil(Number((share * before).toFixed(6)));
      return [layers[0] as string, Math.min(1, left / after)];
    }),
  );
}

/** What a round did, counted from the model before the first round. */
function since(first: PrunedModel | undefined, { model, groups, kept }: PrunedModel): PrunedModel {
  if (first === undefined) return { model, groups, kept };
  const before = new Map(first.groups.map((group) => [group.layers.join(), group.before]));
  return {
    model,
    groups: groups.map((group) => ({ ...group, before: before.get(group.layers.join()) ?? group.before })),
    kept: new Map(
      [...kept].map(([layer, filters]) => [layer, filters.map((filter) => first.kept.get(layer)?.[filter] ?? filter)]),
    ),
  };
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
