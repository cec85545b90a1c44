import { OptionError } from "@millrace/formats/shard";
import { MAX_SIDE } from "@millrace/image";
import { shownValue } from "../shown-value.js";

/** A size as options take it: one side of a square, or `[height, width]`. */
export type ImageSize = number | readonly [height: number, width: number];

/**
 * `[height, width]` of an {@link ImageSize}.
 * @throws {@link OptionError} for a side that is no integer from 1 to 65,535.
 */
export function sizeOf(transform: string, size: ImageSize): readonly [height: number, width: number] {
  const sides = typeof size === "number" ? ([size, size] as const) : size;
  if (Array.isArray(sides) && sides.length === 2 && sides.every((s) => Number.isInteger(s) && s >= 1 && s <= MAX_SIDE))
    return [sides[0], sides[1]];
  throw new OptionError({
    option: "transforms",
    problem: `${transform}: the size is impossible`,
    expected: `an integer from 1 to ${MAX_SIDE}, or [height, width]`,
    found: shownValue(size),
  });
}
