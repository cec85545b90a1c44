import { OptionError, type Statistics } from "@millrace/formats/shard";
import { MAX_SIDE, type OutputDtype, type OutputLayout } from "@millrace/image";
import { snapBox, showAll, type Geometry } from "./geometry.js";
import { affineOf, type Affine } from "./normalize.js";
import { padsRandomCrop } from "./random-crop.js";
import {
  applyTransform,
  sizeAfter,
  type ColourTransform,
  type GeometricTransform,
  type Transform,
} from "./transform.js";
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

/** One call of a kernel that makes pixels, then changes of these pixels in place: of colour, or by functions of the user's. */
export interface ImageStage {
  readonly steps: readonly Step<GeometricTransform>[];
  /** Of the result. */
  readonly height: number;
  readonly width: number;
  readonly dtype: OutputDtype;
  readonly layout: OutputLayout;
  /** Level of each channel where a margin may be; then pixels are copied, not resampled. */
  readonly fill: readonly number[] | undefined;
  /** How pixels become floats; present where `dtype` is a float. */
  readonly affine: Affine | undefined;
  readonly pixels: readonly Step<ColourTransform | UserTransform>[];
}

/** Transforms as kernel calls: one call where nothing among them needs pixels. Plain data. */
export interface ImagePlan {
  /** Empty where the pixels are taken as they are stored. */
  readonly stages: readonly ImageStage[];
  /** Of the result. */
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly dtype: OutputDtype;
  readonly layout: OutputLayout;
}

function fail(problem: string, fix: string): never {
  throw new OptionError({ option: "transforms", problem, fix });
}

/** A stage in the making. */
class Draft {
  readonly steps: Step<GeometricTransform>[] = [];
  readonly pixels: Step<ColourTransform | UserTransform>[] = [];
  affine: Affine | undefined;
  fill: readonly number[] | undefined;
  #isScaled = false;
  #isCropped = false;

  /**
   * False if the pixels have to be made before `transform`: a kernel call either resamples or fills margins, and a
   * margin hides what a crop before it has cut off.
   */
  takes(transform: GeometricTransform, fill: readonly number[] | undefined): boolean {
    if (this.pixels.length > 0) return false;
    if (fill === undefined) return this.fill === undefined || !isScaling(transform);
    const isSame = this.fill === undefined || this.fill.join() === fill.join();
    return isSame && !this.#isScaled && !this.#isCropped;
  }

  add(step: Step<GeometricTransform>, fill: readonly number[] | undefined): void {
    this.steps.push(step);
    this.fill = fill ?? this.fill;
    this.#isScaled ||= isScaling(step.transform);
    this.#isCropped ||= step.transform.kind === "centerCrop" || step.transform.kind === "randomCrop";
  }
}

function isScaling({ kind }: GeometricTransform): boolean {
  return kind === "resize" || kind === "randomResizedCrop";
}

/** The level of each channel in the margin that `transform` may add. */
function fillOf(transform: GeometricTransform, channels: 1 | 3): readonly number[] | undefined {
  if (transform.kind !== "pad" && !(transform.kind === "randomCrop" && padsRandomCrop(transform))) return undefined;
  const { kind, fill } = transform;
  const levels = typeof fill === "number" ? [fill] : fill;
  if (levels.length === channels) return levels;
  if (levels.length === 1) return Array.from({ length: channels }, () => levels[0] as number);
  return fail(`${kind}: the fill has ${levels.length} channels, the images ${channels}`, "give one level a channel");
}

/** Builds the plan, one transform after the other. */
class Planner {
  readonly stages: ImageStage[] = [];
  size: ImageSource["size"];
  #draft: Draft | undefined;
  #dtype: OutputDtype = "uint8";

  constructor(
    readonly source: ImageSource,
    readonly statistics: Statistics | undefined,
  ) {
    this.size = source.size;
  }

  get #isFloat(): boolean {
    return this.#dtype !== "uint8";
  }

  add(index: number, transform: Transform): void {
    switch (transform.kind) {
      case "user":
        if (this.#dtype === "float16")
          fail("userTransform stands after normalize to float16", "put it before, or normalize to float32");
        (this.#draft ??= new Draft()).pixels.push({ index, transform });
        return;
      case "colorJitter":
      case "grayscale":
        if (this.#isFloat) fail(`${transform.kind} stands after normalize`, "put it before normalize");
        (this.#draft ??= new Draft()).pixels.push({ index, transform });
        return;
      case "normalize":
        if (this.#isFloat) fail("normalize stands there twice", "leave one out");
        this.#cutIf(this.#draft !== undefined && this.#draft.pixels.length > 0);
        (this.#draft ??= new Draft()).affine = affineOf(transform, this.source.channels, this.statistics);
        this.#dtype = transform.dtype;
        return;
      default:
        this.#addGeometric(index, transform);
    }
  }

  #addGeometric(index: number, transform: GeometricTransform): void {
    const fill = fillOf(transform, this.source.channels);
    const isTaken = this.#draft === undefined || this.#draft.takes(transform, fill);
    if (!isTaken && this.#isFloat) {
      if ((this.#draft?.pixels.length ?? 0) > 0)
        fail(`${transform.kind} stands after a userTransform on floats`, "put it before normalize");
      fail(`${transform.kind} stands after normalize, but needs pixels of its own`, "put it before normalize");
    }
    this.#cutIf(!isTaken);
    (this.#draft ??= new Draft()).add({ index, transform }, fill);
    checkCrop(transform, this.size);
    this.size = sizeAfter(transform, this.size);
    for (const side of this.size ?? [])
      if (side > MAX_SIDE) fail(`${transform.kind} makes a side of ${side} pixels`, `stay below ${MAX_SIDE + 1}`);
  }

  #cutIf(isNeeded: boolean): void {
    if (isNeeded) this.finish("nhwc");
  }

  /** Ends the stage in the making. */
  finish(layout: OutputLayout): void {
    if (this.#draft === undefined) return;
    const { steps, pixels, affine, fill } = this.#draft;
    const [height, width] =
      this.size ?? fail("the images have different sizes", "add resize(size) as the first transform");
    this.stages.push({ steps, height, width, dtype: this.#dtype, layout, fill, affine, pixels });
    this.#draft = undefined;
  }

  /** Ends the last stage, with the layout that the result shall have. */
  finishAll(layout: OutputLayout): ImagePlan {
    if (layout === "nchw") {
      const hasPixels = (this.#draft?.pixels.length ?? 0) > 0;
      if (hasPixels && this.#isFloat)
        fail("a userTransform on floats cannot have the layout nchw after it", "put it before normalize");
      this.#cutIf(hasPixels);
      this.#draft ??= new Draft();
    }
    this.finish(layout);
    const [height, width] =
      this.size ?? fail("the images have different sizes", "add resize(size) or randomResizedCrop(size)");
    return { stages: this.stages, height, width, channels: this.source.channels, dtype: this.#dtype, layout };
  }
}

/**
 * Plans `transforms` for the images of a data set. Crops, resizes and flips are composed into one box of the source;
 * the order of `normalize` among them does not matter, as resampling is linear. Pixels are made in between only for
 * changes of colour, for functions of the user's, and where a margin meets a resize.
 * @param statistics - The data set's, for `normalize` without numbers.
 * @param layout - Of the result.
 * @throws {@link OptionError} if they cannot follow one another, or the images would not all have one size.
 */
export function planTransforms(
  transforms: readonly Transform[],
  source: ImageSource,
  statistics: Statistics | undefined,
  layout: OutputLayout = "nhwc",
): ImagePlan {
  const planner = new Planner(source, statistics);
  for (const [index, transform] of transforms.entries()) planner.add(index, transform);
  return planner.finishAll(layout);
}

function checkCrop(transform: Transform, size: readonly [number, number] | undefined): void {
  if (size === undefined) return;
  if (transform.kind !== "centerCrop" && transform.kind !== "randomCrop") return;
  if (transform.kind === "randomCrop" && transform.padIfNeeded) return;
  const [left, top, right, bottom] = transform.kind === "randomCrop" ? transform.padding : [0, 0, 0, 0];
  const [height, width] = [size[0] + top + bottom, size[1] + left + right];
  if (transform.height > height || transform.width > width)
    fail(
      `${transform.kind} of ${transform.height} x ${transform.width} is larger than the image of ${height} x ${width}`,
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
  // Where pixels are copied, edges are whole, and may lie outside.
  if (stage.fill === undefined) snapBox(geometry, columns, rows);
}
