import { OptionError } from "@millrace/formats/shard";
import { shownValue } from "../shown-value.js";
import { crop, scaleTo, type Geometry } from "./geometry.js";
import { sizeOf, type ImageSize } from "./image-size.js";
import type { TransformRandom } from "./transform-random.js";

/** A random part of the image at a given size; see {@link randomResizedCrop}. */
export interface RandomResizedCrop {
  readonly kind: "randomResizedCrop";
  /** Rows of the result. */
  readonly height: number;
  /** Columns of the result. */
  readonly width: number;
  /** Least and largest share of the image's area. */
  readonly scale: readonly [low: number, high: number];
  /** Least and largest width / height of the part. */
  readonly ratio: readonly [low: number, high: number];
}

/** What {@link randomResizedCrop} takes beside the size. */
export interface RandomResizedCropOptions {
  /** Least and largest share of the image's area; default 0.08 to 1. */
  readonly scale?: readonly [low: number, high: number] | undefined;
  /** Least and largest width / height; default 3/4 to 4/3. */
  readonly ratio?: readonly [low: number, high: number] | undefined;
}

function checkRange(name: string, range: readonly [number, number], highest: number): void {
  if (Array.isArray(range) && range.length === 2 && range.every((edge) => Number.isFinite(edge))) {
    const [low, high] = range as [number, number];
    if (low > 0 && low <= high && high <= highest) return;
  }
  throw new OptionError({
    option: "transforms",
    problem: `randomResizedCrop: the ${name} is impossible`,
    expected: highest === 1 ? "[low, high] with 0 < low <= high <= 1" : "[low, high] with 0 < low <= high, finite",
    found: shownValue(range),
  });
}

/**
 * Cuts out a part of random area and aspect ratio and resizes it to `size` (a side, or `[height, width]`): the
 * augmentation of "Going deeper with convolutions" (Szegedy et al., 2015), with the drawing rules of torchvision.
 * @throws {@link OptionError} for an impossible size or range.
 */
export function randomResizedCrop(size: ImageSize, options: RandomResizedCropOptions = {}): RandomResizedCrop {
  const [height, width] = sizeOf("randomResizedCrop", size);
  const scale = options.scale ?? [0.08, 1];
  const ratio = options.ratio ?? [3 / 4, 4 / 3];
  checkRange("scale", scale, 1);
  checkRange("ratio", ratio, Infinity);
  return { kind: "randomResizedCrop", height, width, scale, ratio };
}

/** Draws of a part before the middle is taken instead, as in torchvision. */
const DRAWS = 10;

/** Keeps a random part of the image so far, at the size of `transform`. */
export function applyRandomResizedCrop(transform: RandomResizedCrop, g: Geometry, random: TransformRandom): void {
  if (!cropAtRandom(transform, g, random)) cropMiddle(transform, g);
  scaleTo(g, transform.width, transform.height);
}

function cropAtRandom({ scale, ratio }: RandomResizedCrop, g: Geometry, random: TransformRandom): boolean {
  for (let draw = 0; draw < DRAWS; draw++) {
    const area = g.columns * g.rows * random.uniform(scale[0], scale[1]);
    const aspect = Math.exp(random.uniform(Math.log(ratio[0]), Math.log(ratio[1])));
    const columns = Math.round(Math.sqrt(area * aspect));
    const rows = Math.round(Math.sqrt(area / aspect));
    if (columns >= 1 && columns <= g.columns && rows >= 1 && rows <= g.rows) {
      crop(g, random.below(g.columns - columns + 1), random.below(g.rows - rows + 1), columns, rows);
      return true;
    }
  }
  return false;
}

/** The largest part in the middle whose aspect ratio is allowed. */
function cropMiddle({ ratio: [low, high] }: RandomResizedCrop, g: Geometry): void {
  const aspect = g.columns / g.rows;
  const columns = aspect > high ? Math.min(g.columns, Math.max(1, Math.round(g.rows * high))) : g.columns;
  const rows = aspect < low ? Math.min(g.rows, Math.max(1, Math.round(g.columns / low))) : g.rows;
  crop(g, Math.floor((g.columns - columns) / 2), Math.floor((g.rows - rows) / 2), columns, rows);
}
