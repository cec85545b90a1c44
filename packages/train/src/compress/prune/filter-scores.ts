import { OptionError } from "@millrace/formats";
import type { ChannelTrace, WeightAxis } from "./channel-trace.js";
import type { TracedGroup } from "./filter-groups.js";
import type { HostWeights } from "./host-weights.js";
import { roleOf } from "./calls.js";

/** The ways to score filters by name. */
export const FILTER_SCORES = ["l1", "l2", "batchNorm"] as const;

/**
 * What a filter is worth; those with the lowest scores go first. `l1`: the sum of its weights' magnitudes (Li et al.,
 * "Pruning Filters for Efficient ConvNets", 2017); `l2`: the root of the sum of their squares; `batchNorm`: the magnitude
 * of the scale that batch norm gives it (Liu et al., "Network Slimming", 2017); a map as {@link scoreWeights} returns: the
 * sum over all weights that belong to the filter, as Molchanov et al. (2019), section 3.1, sum. Where filters of several
 * layers go together, their scores are added.
 */
export type FilterScores = (typeof FILTER_SCORES)[number] | ReadonlyMap<string, Float32Array>;

/**
 * The score of each unit of a group.
 * @throws {@link OptionError} if the group has nothing that can be scored so.
 */
export function scoreUnits(
  { group, roots }: TracedGroup,
  scores: FilterScores,
  { sets, axes }: ChannelTrace,
  weights: HostWeights,
): Float64Array {
  const position = new Map(roots.map((root, unit) => [root, unit]));
  const total = new Float64Array(roots.length);
  let isScored = false;
  for (const axis of axes) {
    if (axis.side !== "made" || !axis.channels.some((id) => position.has(sets.find(id)))) continue;
    const sums = sumsOf(axis, scores, weights, group.layers);
    if (sums === undefined) continue;
    isScored = true;
    for (const [at, id] of axis.channels.entries()) {
      const unit = position.get(sets.find(id));
      if (unit !== undefined) total[unit] = (total[unit] as number) + (sums[at] as number);
    }
  }
  if (!isScored) throw withoutScores(group.layers, scores);
  const bad = total.findIndex((score) => Number.isNaN(score));
  if (bad === -1) return total;
  throw new OptionError({
    option: "scores",
    problem: `a filter of ${group.layers.join(", ")} has a score that is not a number`,
    fix: "take the model before its training diverged, or other scores",
  });
}

function sumsOf(
  axis: WeightAxis,
  scores: FilterScores,
  weights: HostWeights,
  layers: readonly string[],
): Float64Array | undefined {
  const weight = weights.byName.get(axis.weight);
  if (weight === undefined) return undefined;
  const role = roleOf(axis.weight);
  if (scores === "batchNorm")
    return role === "gamma" ? sumsAlong(weight.data, weight.shape, axis.axis, Math.abs) : undefined;
  if (typeof scores === "string") {
    if (!role.endsWith("kernel") || !layers.includes(axis.layer)) return undefined;
    if (scores === "l1") return sumsAlong(weight.data, weight.shape, axis.axis, Math.abs);
    return sumsAlong(weight.data, weight.shape, axis.axis, (value) => value * value).map(Math.sqrt);
  }
  const given = scores.get(axis.weight);
  if (given === undefined) return undefined;
  if (given.length === weight.data.length) return sumsAlong(given, weight.shape, axis.axis, Number);
  throw new OptionError({
    option: "scores",
    problem: `do not fit the weight ${axis.weight}`,
    expected: `${weight.data.length} numbers`,
    found: `${given.length}`,
    fix: "score the weights of this model",
  });
}

function withoutScores(layers: readonly string[], scores: FilterScores): OptionError {
  return new OptionError({
    option: "scores",
    problem: `the filters of ${layers.join(", ")} have no ${scores === "batchNorm" ? "batch norm" : "scores"}`,
    expected: scores === "batchNorm" ? "a scale of batch norm for each filter" : "scores of their kernels or biases",
    fix: 'take the scores "l1", or name the layers in ignore',
  });
}

/** The sum of `map` over all values at each position of an axis. */
function sumsAlong(
  data: Float32Array,
  shape: readonly number[],
  axis: number,
  map: (value: number) => number,
): Float64Array {
  const size = shape[axis] as number;
  const inner = shape.slice(axis + 1).reduce((product, count) => product * count, 1);
  const sums = new Float64Array(size);
  for (const [at, value] of data.entries()) {
    const position = Math.floor(at / inner) % size;
    sums[position] = (sums[position] as number) + map(value);
  }
  return sums;
}
