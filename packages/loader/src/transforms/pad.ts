import { OptionError } from "@millrace/formats/shard";
import { MAX_SIDE } from "@millrace/image";
import { shownValue } from "../shown-value.js";
import { enlarge, type Geometry } from "./geometry.js";

/**
 * A margin as options take it: the same on all sides, `[left and right, top and bottom]`, or
 * `[left, top, right, bottom]`, in pixels.
 */
export type Padding =
  | number
  | readonly [horizontal: number, vertical: number]
  | readonly [left: number, top: number, right: number, bottom: number];

/** A {@link Padding} with nothing left open. */
export type Margins = readonly [left: number, top: number, right: number, bottom: number];

/** The image with a margin; see {@link pad}. */
export interface Pad {
  readonly kind: "pad";
  /** In pixels. */
  readonly padding: Margins;
  /** Level of the margin, 0 to 255: one for all channels, or one a channel. */
  readonly fill: number | readonly number[];
}

/**
 * Adds a margin of one colour (`fill`, default 0, which is black: a level from 0 to 255, or one a channel). It is a level
 * behind {@link normalize} too, which makes a float of it as of any pixel.
 * @throws {@link OptionError} for an impossible margin or level.
 */
export function pad(padding: Padding, options: { readonly fill?: number | readonly number[] | undefined } = {}): Pad {
  return { kind: "pad", padding: marginsOf("pad", padding), fill: checkFill("pad", options.fill ?? 0) };
}

/** Adds the margin to the image so far. */
export function applyPad({ padding: [left, top, right, bottom] }: Pad, geometry: Geometry): void {
  enlarge(geometry, left, top, right, bottom);
}

function isInteger(n: number, highest: number): boolean {
  return Number.isInteger(n) && n >= 0 && n <= highest;
}

/**
 * The four margins of a {@link Padding}.
 * @throws {@link OptionError} for a margin that is no integer from 0 to 65,535.
 */
export function marginsOf(transform: string, padding: Padding): Margins {
  const list: readonly number[] = typeof padding === "number" ? [padding] : padding;
  if (Array.isArray(list) && [1, 2, 4].includes(list.length) && list.every((n) => isInteger(n, MAX_SIDE))) {
    const [left = 0, top = left, right = left, bottom = top]: readonly number[] = list;
    return [left, top, right, bottom];
  }
  throw new OptionError({
    option: "transforms",
    problem: `${transform}: the padding is impossible`,
    expected: `integers from 0 to ${MAX_SIDE}: one, [horizontal, vertical], or [left, top, right, bottom]`,
    found: shownValue(padding),
  });
}

/**
 * @returns `fill`.
 * @throws {@link OptionError} for levels that are no integers from 0 to 255.
 */
export function checkFill(transform: string, fill: number | readonly number[]): number | readonly number[] {
  const levels: readonly number[] = typeof fill === "number" ? [fill] : fill;
  if (Array.isArray(levels) && (levels.length === 1 || levels.length === 3) && levels.every((n) => isInteger(n, 255)))
    return fill;
  throw new OptionError({
    option: "transforms",
    problem: `${transform}: the fill is impossible`,
    expected: "an integer from 0 to 255, or one a channel",
    found: shownValue(fill),
  });
}
