import { OptionError, SampleError } from "@millrace/formats/shard";
import { shownValue } from "../shown-value.js";
import { crop, enlarge, type Geometry } from "./geometry.js";
import { sizeOf, type ImageSize } from "./image-size.js";
import { checkFill, marginsOf, type Margins, type Padding } from "./pad.js";
import type { TransformRandom } from "./transform-random.js";

/** A random part of the image as it is; see {@link randomCrop}. */
export interface RandomCrop {
  readonly kind: "randomCrop";
  /** Rows of the result. */
  readonly height: number;
  /** Columns of the result. */
  readonly width: number;
  /** Margin that the image gets first. */
  readonly padding: Margins;
  /** Whether an image that is still smaller than the part gets a margin on both sides. */
  readonly padIfNeeded: boolean;
  /** Level of the margin, 0 to 255: one for all channels, or one a channel. */
  readonly fill: number | readonly number[];
}

/** What {@link randomCrop} takes beside the size. */
export interface RandomCropOptions {
  /** Margin that the image gets first; default none. */
  readonly padding?: Padding | undefined;
  /** Gives an image that is smaller than the part what it lacks, on both sides; default false. */
  readonly padIfNeeded?: boolean | undefined;
  /** Level of the margin, 0 to 255, or one a channel; default 0. */
  readonly fill?: number | readonly number[] | undefined;
}

/**
 * Cuts a part of `size` (a side, or `[height, width]`) out of a random place, with torchvision's rules:
 * `randomCrop(32, { padding: 4 })` is the usual augmentation of CIFAR.
 * @throws {@link OptionError} for an impossible size, margin or level.
 */
export function randomCrop(size: ImageSize, options: RandomCropOptions = {}): RandomCrop {
  const [height, width] = sizeOf("randomCrop", size);
  const padding = marginsOf("randomCrop", options.padding ?? 0);
  const fill = checkFill("randomCrop", options.fill ?? 0);
  const { padIfNeeded = false } = options;
  if (typeof padIfNeeded === "boolean") return { kind: "randomCrop", height, width, padding, padIfNeeded, fill };
  throw new OptionError({
    option: "transforms",
    problem: "randomCrop: padIfNeeded is impossible",
    expected: "true or false",
    found: shownValue(padIfNeeded),
  });
}

/** True if the image may get a margin. */
export function padsRandomCrop({ padding, padIfNeeded }: RandomCrop): boolean {
  return padIfNeeded || padding.some((margin) => margin > 0);
}

/**
 * Keeps a random part of the image so far.
 * @throws {@link SampleError} if the image is smaller, and gets no margin that makes up for it.
 */
export function applyRandomCrop(transform: RandomCrop, geometry: Geometry, random: TransformRandom): void {
  const { height, width, padding, padIfNeeded } = transform;
  enlarge(geometry, padding[0], padding[1], padding[2], padding[3]);
  if (padIfNeeded) {
    const columns = Math.max(0, width - geometry.columns);
    const rows = Math.max(0, height - geometry.rows);
    enlarge(geometry, columns, rows, columns, rows);
  }
  if (geometry.columns < width || geometry.rows < height) {
    throw new SampleError({
      problem: "the image is smaller than the crop",
      expected: `at least ${width} x ${height}`,
      found: `${geometry.columns} x ${geometry.rows}`,
      fix: "put resize before randomCrop, or give it padIfNeeded",
    });
  }
  const y = random.below(geometry.rows - height + 1);
  crop(geometry, random.below(geometry.columns - width + 1), y, width, height);
}
