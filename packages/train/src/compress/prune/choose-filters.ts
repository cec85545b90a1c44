import { OptionError } from "@millrace/formats";
import type { FilterGroup } from "./filter-groups.js";

/** How many filters of a group stay. */
export interface KeepRule {
  /** Share of the group's units, above 0 to 1. */
  readonly keep: number;
  /** Every layer keeps so many filters. */
  readonly minFilters: number;
  /** The number of units that stay is a multiple of this, where the group has so many. */
  readonly round: number;
}

/**
 * The units of a group that go: those with the lowest scores, of equals the last, as long as every layer keeps
 * `minFilters`.
 * @param candidates - 1 for each unit that may go; without it, all that are removable.
 */
export function chooseUnits(
  group: FilterGroup,
  scores: Float64Array,
  { keep, minFilters, round }: KeepRule,
  candidates?: Uint8Array,
): number[] {
  const count = group.units.length;
  const wanted = Math.ceil(Number((keep * count).toFixed(6)));
  const stay = Math.min(count, Math.ceil(wanted / round) * round);
  const left = new Map(group.layers.map((layer) => [layer, filtersOf(group, layer)]));
  const order = group.units
    .map((_, unit) => unit)
    .filter((unit) => group.units[unit]?.isRemovable === true && candidates?.[unit] !== 0)
    .toSorted((a, b) => (scores[a] as number) - (scores[b] as number) || b - a);
  const gone: number[] = [];
  for (const unit of order) {
    if (gone.length >= count - stay) break;
    const { filters } = group.units[unit] as FilterGroup["units"][number];
    if ([...filters].some(([layer, numbers]) => (left.get(layer) ?? 0) - numbers.length < minFilters)) continue;
    for (const [layer, numbers] of filters) left.set(layer, (left.get(layer) ?? 0) - numbers.length);
    gone.push(unit);
  }
  return gone;
}

function filtersOf({ units }: FilterGroup, layer: string): number {
  return units.reduce((sum, { filters }) => sum + (filters.get(layer)?.length ?? 0), 0);
}

/**
 * Checks a share of filters.
 * @throws {@link OptionError} if it is not above 0 and at most 1.
 */
export function checkShare(option: string, share: number): number {
  if (share > 0 && share <= 1) return share;
  throw new OptionError({
    option,
    problem: "is no share of the filters that stay",
    expected: "a number above 0, as no layer can be emptied, to 1",
    found: String(share),
  });
}
