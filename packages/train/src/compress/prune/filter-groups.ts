import { OptionError } from "@millrace/formats";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { ChannelTrace } from "./channel-trace.js";
import { traceChannels } from "./trace-channels.js";

/** Filters of a model that can only be removed together: one of a layer, or one each of several layers. */
export interface FilterUnit {
  /** Numbers of the filters, by the name of their layer. */
  readonly filters: ReadonlyMap<string, readonly number[]>;
  /** False if the unit has to stay: it is, or is added to, an input or output of the model, or {@link FilterGroup.blockedBy} holds. */
  readonly isRemovable: boolean;
}

/** Layers whose filters depend on one another, as those of a residual connection do. */
export interface FilterGroup {
  /** The convolutions and dense layers that make the channels, in the order of the model. */
  readonly layers: readonly string[];
  /** The layers whose weights lose the same channels: those that take them, and batch norms and depthwise convolutions on the way. */
  readonly followers: readonly string[];
  readonly units: readonly FilterUnit[];
  /**
   * The layer, and its class, because of which the filters cannot be removed, though they are none of the model's
   * outputs: pruning does not know it, or it mixes channels.
   */
  readonly blockedBy: { readonly layer: string; readonly className: string } | undefined;
}

/**
 * The dependency groups of a model (Fang et al., "DepGraph: Towards Any Structural Pruning", 2023): which output channels
 * of which layers can only be removed together, and which layers take them. Nothing is computed and nothing changed.
 * @throws {@link OptionError} if the model has not been built.
 */
export function filterGroups(model: LayersModel): FilterGroup[] {
  return groupFilters(traceChannels(model).trace).map(({ group }) => group);
}

/** A group, and the set of channels that each of its units is. */
export interface TracedGroup {
  readonly group: FilterGroup;
  /** In the order of the units. */
  readonly roots: readonly number[];
}

/** {@link filterGroups} of a model that has been walked through. */
export function groupFilters(trace: ChannelTrace): TracedGroup[] {
  const units = new Map<number, Map<string, number[]>>();
  const groupOf = new Map<string, Set<string>>();
  for (const [layer, channels] of trace.madeBy) {
    let layers = new Set([layer]);
    groupOf.set(layer, layers);
    for (const [filter, id] of channels.entries()) {
      const root = trace.sets.find(id);
      const unit = units.get(root) ?? new Map<string, number[]>();
      units.set(root, unit);
      for (const other of unit.keys()) layers = merge(groupOf, layers, other);
      unit.set(layer, [...(unit.get(layer) ?? []), filter]);
    }
  }
  return [...new Set(groupOf.values())].map((layers) => {
    const roots = [...units].filter(([, unit]) => [...unit.keys()].some((layer) => layers.has(layer)));
    return describe(trace, [...layers], roots);
  });
}

function merge(groupOf: Map<string, Set<string>>, layers: Set<string>, other: string): Set<string> {
  const before = groupOf.get(other) as Set<string>;
  if (before === layers) return layers;
  for (const layer of layers) {
    before.add(layer);
    groupOf.set(layer, before);
  }
  return before;
}

function describe(
  { sets, axes }: ChannelTrace,
  layers: readonly string[],
  units: readonly (readonly [root: number, unit: ReadonlyMap<string, readonly number[]>])[],
): TracedGroup {
  const roots = new Set(units.map(([root]) => root));
  const bonds = units.flatMap(([root]) => sets.bondOf(root) ?? []);
  const blockedBy = bonds.find(({ kind }) => kind === "layer");
  const followers = axes.filter(({ channels }) => channels.some((id) => roots.has(sets.find(id))));
  return {
    group: {
      layers,
      followers: [...new Set(followers.map(({ layer }) => layer))].filter((layer) => !layers.includes(layer)),
      units: units.map(([root, filters]) => ({
        filters,
        isRemovable: blockedBy === undefined && sets.bondOf(root) === undefined,
      })),
      blockedBy: blockedBy === undefined ? undefined : { layer: blockedBy.layer, className: blockedBy.className },
    },
    roots: [...roots],
  };
}

/**
 * The error for a group that cannot be pruned because of a layer.
 * @throws nothing; returns the {@link OptionError}.
 */
export function blockedError({ layers, blockedBy }: FilterGroup): OptionError {
  const names = layers.map((layer) => `"${layer}"`).join(", ");
  return new OptionError({
    option: "model",
    problem: `the filters of ${names} go into ${blockedBy?.layer ?? "a layer"}, of which pruning cannot remove channels`,
    expected: "layers of TensorFlow.js that work on each channel by itself, convolutions or dense layers",
    found: blockedBy?.className ?? "another one",
    fix: `leave these layers as they are with ignore: [${names}]`,
  });
}
