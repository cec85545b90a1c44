import { OptionError } from "@millrace/formats";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { checkShare, chooseUnits, type KeepRule } from "./choose-filters.js";
import { blockedError, type FilterGroup, groupFilters, type TracedGroup } from "./filter-groups.js";
import { FILTER_SCORES, type FilterScores, scoreUnits } from "./filter-scores.js";
import { readHostModel } from "./host-weights.js";
import { rebuild } from "./rebuild.js";
import { findUsers, foldConstants, inexactRoots } from "./removable-units.js";
import { traceChannels } from "./trace-channels.js";

/** Which filters to remove. */
export interface PruneFiltersOptions {
  /**
   * The share of its filters that each group keeps, above 0 to 1; or shares by the name of one of a group's layers, where
   * other groups keep all; or `exact`: only those go whose removal changes no output of the model, with dropout off and
   * batch norm at its averages.
   */
  readonly keep: number | ReadonlyMap<string, number> | "exact";
  /** Default `l1`. */
  readonly scores?: FilterScores | undefined;
  /** Names of layers whose filters all stay, and with them those that can only be removed together with them. */
  readonly ignore?: readonly string[] | undefined;
  /** Every layer keeps at least so many filters. Default 1. */
  readonly minFilters?: number | undefined;
  /** A group keeps a multiple of this, rounded up, where it has so many: 8 suits vector units. Default 1. */
  readonly round?: number | undefined;
}

/** What happened to a dependency group. */
export interface PrunedGroup {
  readonly layers: readonly string[];
  /** Filters that could be removed one by one, or together with those of the group's other layers, before and after. */
  readonly before: number;
  readonly after: number;
}

/** A smaller model. */
export interface PrunedModel {
  /** New, on the current backend, not compiled; the caller's to dispose. Its layers have the names that they had. */
  readonly model: LayersModel;
  readonly groups: readonly PrunedGroup[];
  /** The numbers, in the old model, of the filters that stayed, by the name of their layer. */
  readonly kept: ReadonlyMap<string, readonly number[]>;
}

/**
 * Removes whole filters from a model, with real shapes: convolutions, dense and separable layers lose outputs, and all
 * that takes these loses inputs: batch norm, depthwise and other convolutions, dense layers behind flattening. Filters
 * that are added to one another go together ({@link filterGroups}).
 *
 * A filter whose output is the same number everywhere, as that of one that is all zeros, after batch norm and
 * activation, is not lost: its number goes into the biases of the layers that take it (which get biases if they have
 * none). This is exact, but where such a layer, or one before it, pads with zeros a number that is not zero; there it
 * holds away from the border. The option `keep: "exact"` leaves such filters alone.
 *
 * The given model is neither changed nor disposed. Fine-tune the new one with {@link train}.
 *
 * ```ts
 * const { model: small, groups } = await pruneFilters(model, { keep: 0.5 });
 * ```
 * @throws {@link OptionError} if an option is impossible, the model has nothing to remove, or filters go into a layer
 * that pruning does not know and are not ignored.
 */
export async function pruneFilters(model: LayersModel, options: PruneFiltersOptions): Promise<PrunedModel> {
  checkOptions(options);
  const { calls, trace } = traceChannels(model);
  checkNames(new Set(calls.map(({ layer }) => layer.name)), options);
  const groups = groupFilters(trace).filter(({ group }) => isOpen(group, options.ignore ?? []));
  if (groups.length === 0) throw nothingToPrune();
  const host = await readHostModel(model);
  const users = findUsers(calls, trace, host.weights);
  const inexact = options.keep === "exact" ? inexactRoots(users, trace) : undefined;
  const gone = new Set<number>();
  const reports: PrunedGroup[] = [];
  for (const traced of groups) {
    const { group, roots } = traced;
    const rule = ruleOf(traced, options);
    const candidates =
      inexact === undefined ? undefined : Uint8Array.from(roots, (root) => (inexact.has(root) ? 0 : 1));
    const scores =
      inexact === undefined && rule.keep < 1
        ? scoreUnits(traced, options.scores ?? "l1", trace, host.weights)
        : new Float64Array(roots.length);
    const units = chooseUnits(group, scores, rule, candidates);
    for (const unit of units) gone.add(roots[unit] as number);
    reports.push({ layers: group.layers, before: roots.length, after: roots.length - units.length });
  }
  const gains = foldConstants(users, trace, gone);
  const pruned = await rebuild({ host, trace, calls, gone, gains });
  const kept = new Map(
    [...trace.madeBy].map(([layer, channels]) => [
      layer,
      [...channels.keys()].filter((filter) => !gone.has(trace.sets.find(channels[filter] as number))),
    ]),
  );
  return { model: pruned, groups: reports, kept };
}

/** False for a group that stays as it is. */
function isOpen(group: FilterGroup, ignore: readonly string[]): boolean {
  if (group.layers.some((layer) => ignore.includes(layer))) return false;
  if (group.blockedBy === undefined) return group.units.some(({ isRemovable }) => isRemovable);
  if (ignore.includes(group.blockedBy.layer)) return false;
  throw blockedError(group);
}

function ruleOf({ group }: TracedGroup, { keep, minFilters = 1, round = 1 }: PruneFiltersOptions): KeepRule {
  if (keep === "exact") return { keep: 0, minFilters, round };
  if (typeof keep === "number") return { keep, minFilters, round };
  const shares = new Set(group.layers.flatMap((layer) => keep.get(layer) ?? []));
  const [share = 1, other] = shares;
  if (other === undefined) return { keep: share, minFilters, round };
  throw new OptionError({
    option: "keep",
    problem: `the filters of ${group.layers.join(", ")} can only be removed together`,
    expected: "one share for all of them",
    found: [...shares].join(" and "),
  });
}

function checkOptions({ keep, scores = "l1", minFilters = 1, round = 1 }: PruneFiltersOptions): void {
  if (typeof keep === "number") checkShare("keep", keep);
  else if (keep !== "exact") for (const [layer, share] of keep) checkShare(`keep of ${layer}`, share);
  for (const [option, value] of Object.entries({ minFilters, round })) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw new OptionError({
      option,
      problem: "is impossible",
      expected: "a whole number from 1",
      found: String(value),
    });
  }
  if (typeof scores !== "string" || FILTER_SCORES.includes(scores)) return;
  const expected = `${FILTER_SCORES.join(" | ")} | a map of scores`;
  throw new OptionError({ option: "scores", problem: "there are no such scores", expected, found: scores });
}

function checkNames(known: ReadonlySet<string>, { ignore = [], keep }: PruneFiltersOptions): void {
  const named = { ignore, keep: keep instanceof Map ? [...(keep as ReadonlyMap<string, number>).keys()] : [] };
  for (const [option, names] of Object.entries(named))
    for (const name of names) {
      if (known.has(name)) continue;
      const expected = [...known].join(" | ");
      throw new OptionError({ option, problem: "the model has no such layer", expected, found: name });
    }
}

function nothingToPrune(): OptionError {
  return new OptionError({
    option: "model",
    problem: "has no filters that can be removed",
    expected: "a convolution or a dense layer whose channels are none of the model's outputs, and that is not ignored",
    found: "none",
    fix: "mask single weights with maskWeights instead",
  });
}
