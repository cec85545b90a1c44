import { OptionError, type Statistics } from "@millrace/formats";
import { showAll, snapBox, type Geometry } from "./geometry.js";
import { affineOf, type Affine } from "./normalize.js";
import { applyTransform, sizeAfter, type GeometricTransform, type Transform } from "./transform.js";
import type { TransformRandom } from "./transform-random.js";
import type { UserTransform } from "./user-transform.js";

/** The images that transforms are planned for. */
export interface ImageSource {
  /** `[height, width]` where all images have the same. */
  readonly size: readonly [height: number, width: number] | undefined;
  readonly channels: 1 | 3;
}

/** A transform and its index in the list, which keys its randomness. */
export interface Step<T> {
  readonly index: number;
  readonly transform: T;
}

/** One call of a kernel, then functions of the user's on its result, in place. */
export interface ImageStage {
  readonly steps: readonly Step<GeometricTransform>[];
  /** Of the result. */
  readonly height: number;
  readonly width: number;
  readonly dtype: "uint8" | "float32";
  /** How pixels become floats; present where `dtype` is float32. */
  readonly affine: Affine | undefined;
  readonly users: readonly Step<UserTransform>[];
}

/** Transforms as kernel calls: one call where the user has no function of his own among them. Plain data. */
export interface ImagePlan {
  /** Empty where the pixels are taken as they are stored. */
  readonly stages: readonly ImageStage[];
  /** Of the result. */
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly dtype: "uint8" | "float32";
}

interface Draft {
  steps: Step<GeometricTransform>[];
  affine: Affine | undefined;
  users: Step<UserTransform>[];
}

function fail(problem: string, fix: string): never {
  throw new OptionError({ option: "transforms", problem, fix });
}

/**
 * Plans `transforms` for the images of a data set. Crops, resizes and flips are composed into one box of the source;
 * the order of `normalize` among them does not matter, as resampling is linear.
 * @param statistics - The data set's, for `normalize` without numbers.
 * @throws {@link OptionError} if they cannot follow one another, or the images would not all have one size.
 */
export function planTransforms(
  transforms: readonly Transform[],
  source: ImageSource,
  statistics: Statistics | undefined,
): ImagePlan {
  const stages: ImageStage[] = [];
  let size = source.size;
  let draft: Draft | undefined;
  let isFloat = false;
  const finish = (): void => {
    if (draft === undefined) return;
    const [height, width] = size ?? fail("the images have different sizes", "add resize(size) as the first transform");
    stages.push({ ...draft, height, width, dtype: isFloat ? "float32" : "uint8" });
    draft = undefined;
  };
  for (const [index, transform] of transforms.entries()) {
    if (transform.kind !== "user") {
      if (draft !== undefined && draft.users.length > 0) finish();
      if (isFloat && draft === undefined)
        fail(`${transform.kind} stands after a userTransform on floats`, "put it before normalize");
    }
    draft ??= { steps: [], affine: undefined, users: [] };
    if (transform.kind === "normalize") {
      if (isFloat) fail("normalize stands there twice", "leave one out");
      draft.affine = affineOf(transform, source.channels, statistics);
      isFloat = true;
    } else if (transform.kind === "user") draft.users.push({ index, transform });
    else draft.steps.push({ index, transform });
    checkCrop(transform, size);
    size = sizeAfter(transform, size);
  }
  finish();
  const [height, width] =
    size ?? fail("the images have different sizes", "add resize(size) or randomResizedCrop(size)");
  return { stages, height, width, channels: source.channels, dtype: isFloat ? "float32" : "uint8" };
}

function checkCrop(transform: Transform, size: readonly [number, number] | undefined): void {
  if (transform.kind !== "centerCrop" || size === undefined) return;
  if (transform.height > size[0] || transform.width > size[1])
    fail(
      `centerCrop of ${transform.height} x ${transform.width} is larger than the image of ${size[0]} x ${size[1]}`,
      "put resize before it, or crop less",
    );
}

/**
 * Finds where one sample's image lies in its source of `columns x rows` pixels: a pure function of the stage and
 * (seed, epoch, sample), written to `geometry`.
 * @param random - With the loader's seed.
 * @throws {@link SampleError} if the source is too small for a crop.
 */
export function placeImage(
  stage: ImageStage,
  columns: number,
  rows: number,
  epoch: number,
  sample: number,
  random: TransformRandom,
  geometry: Geometry,
): void {
  showAll(geometry, columns, rows);
  for (const { index, transform } of stage.steps) {
    random.reseed(epoch, sample, index);
    applyTransform(transform, geometry, random);
  }
  snapBox(geometry, columns, rows);
}
