import { dtypeBytes, SampleError } from "@millrace/formats/shard";
import {
  createKernels,
  MAX_SIDE,
  scratchBytes,
  type Kernels,
  type OutputLayout,
  type ResampleJob,
} from "@millrace/image";
import type { Activity } from "../ring/activity.js";
import type { SharedMemory } from "../ring/shared-memory.js";
import { createGeometry, type Geometry } from "../transforms/geometry.js";
import { placeImage, type ImagePlan, type ImageStage, type Step } from "../transforms/plan.js";
import { applyColour, type ColourTransform } from "../transforms/transform.js";
import { TransformRandom } from "../transforms/transform-random.js";
import {
  importUserTransform,
  UserTransformCall,
  type TransformImage,
  type UserTransform,
} from "../transforms/user-transform.js";
import { PrivateRegion, REGION } from "./private-region.js";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A change of pixels in place: of colour, or by a function of the user's. */
interface PixelStep {
  readonly index: number;
  readonly change: ColourTransform | UserTransformCall;
}

interface BoundStage {
  readonly stage: ImageStage;
  readonly pixels: readonly PixelStep[];
  /** True if the user has a function among them. */
  readonly hasUsers: boolean;
  /** The result as the kernels of colours take it. */
  readonly image: Mutable<ResampleJob["source"]>;
  /** The kernel's job, filled in anew for each sample. */
  readonly job: {
    readonly source: Mutable<ResampleJob["source"]>;
    readonly box: Geometry;
    readonly output: Mutable<ResampleJob["output"]>;
    flip: boolean;
    flipVertical: boolean;
    readonly layout: OutputLayout;
    readonly fill?: readonly number[];
    readonly scale?: readonly number[];
    readonly shift?: readonly number[];
  };
  readonly outputBytes: number;
}

/** What {@link ImageMaker.open} needs to know. */
export interface ImageMakerOptions {
  readonly plan: ImagePlan;
  readonly seed: number;
  readonly memory: SharedMemory;
  readonly activity: Activity;
}

/** Runs the transforms of an {@link ImagePlan} on one image after the other, in the shared memory. */
export class ImageMaker {
  readonly #random: TransformRandom;
  readonly #stages: readonly BoundStage[];
  readonly #scratch: PrivateRegion;
  readonly #between: readonly PrivateRegion[];
  #kernels: Kernels | undefined;
  #largest = { width: 0, height: 0 };

  private constructor(
    readonly options: ImageMakerOptions,
    stages: readonly BoundStage[],
    random: TransformRandom,
  ) {
    const { memory, activity } = options;
    this.#random = random;
    this.#stages = stages;
    this.#scratch = new PrivateRegion(memory, activity, REGION.scratch);
    this.#between = [REGION.stageA, REGION.stageB].map((number) => new PrivateRegion(memory, activity, number));
  }

  /**
   * Imports the user's transforms and gets everything ready.
   * @throws {@link OptionError} if a transform's module cannot be imported.
   */
  static async open(options: ImageMakerOptions): Promise<ImageMaker> {
    const random = new TransformRandom(options.seed);
    const stages: BoundStage[] = [];
    for (const stage of options.plan.stages) {
      const pixels: PixelStep[] = [];
      for (const step of stage.pixels) pixels.push(await bindPixels(step, random));
      stages.push(bindStage(stage, pixels, options.plan.channels));
    }
    return new ImageMaker(options, stages, random);
  }

  /**
   * Where the first transforms want their pixels from. Valid until the next; a caller that then gives
   * {@link ImageMaker.make} a part of the source moves it to the same pixels of that part.
   * @throws {@link SampleError} if a transform refuses.
   */
  place(columns: number, rows: number, epoch: number, draw: number): Geometry {
    const { stage, job } = this.#stages[0] as BoundStage;
    placeImage(stage, columns, rows, epoch, draw, this.#random, job.box);
    return job.box;
  }

  /**
   * Makes the image of a sample from its source pixels.
   * @param isPlaced - {@link ImageMaker.place} has been called for the sample.
   * @param sourceAt - Offset of uint8 `[rows, columns, channels]`.
   * @param targetAt - Offset of the result, of the plan's dtype and shape.
   * @param draw - What keys the randomness, beside seed and epoch.
   * @throws {@link SampleError} if a transform refuses or fails, or the image has a side that is too long.
   */
  make(
    sourceAt: number,
    columns: number,
    rows: number,
    epoch: number,
    sample: number,
    targetAt: number,
    isPlaced = false,
    draw: number = sample,
  ): void {
    this.#reserve(columns, rows);
    let from = sourceAt;
    let width = columns;
    let height = rows;
    const last = this.#stages.length - 1;
    for (let number = 0; number <= last; number++) {
      const bound = this.#stages[number] as BoundStage;
      const isLast = number === last;
      const to = isLast ? targetAt : (this.#between[number & 1] as PrivateRegion).ensure(bound.outputBytes);
      if (number > 0 || !isPlaced) placeImage(bound.stage, width, height, epoch, draw, this.#random, bound.job.box);
      this.#runKernel(bound, from, width, height, to);
      if (bound.pixels.length > 0) this.#changePixels(bound, to, epoch, sample, draw);
      from = to;
      ({ width, height } = bound.stage);
    }
  }

  #runKernel(bound: BoundStage, from: number, columns: number, rows: number, to: number): void {
    const { job } = bound;
    job.source.offset = from;
    job.source.width = columns;
    job.source.height = rows;
    job.flip = job.box.flip;
    job.flipVertical = job.box.flipVertical;
    job.output.offset = to;
    (this.#kernels as Kernels).resample(job);
  }

  #changePixels(bound: BoundStage, at: number, epoch: number, sample: number, draw: number): void {
    const { pixels, image } = bound;
    image.offset = at;
    const view = bound.hasUsers ? this.#viewOf(bound.stage, at) : undefined;
    for (const { index, change } of pixels) {
      this.#random.reseed(epoch, draw, index);
      if (change instanceof UserTransformCall) change.call(view as TransformImage, epoch, sample);
      else applyColour(change, image, this.#kernels as Kernels, this.#random);
    }
  }

  #viewOf({ height, width, dtype }: ImageStage, at: number): TransformImage {
    const { channels } = this.options.plan;
    const { buffer } = this.options.memory;
    const length = height * width * channels;
    const data = dtype === "uint8" ? new Uint8Array(buffer, at, length) : new Float32Array(buffer, at, length);
    return { data, height, width, channels };
  }

  /** Makes sure that the kernels have scratch enough for a source of that size. */
  #reserve(columns: number, rows: number): void {
    const { width, height } = this.#largest;
    if (this.#kernels !== undefined && columns <= width && rows <= height) return;
    if (columns > MAX_SIDE || rows > MAX_SIDE) throw tooLong(columns, rows);
    const { plan, memory } = this.options;
    this.#largest = { width: Math.max(width, columns), height: Math.max(height, rows) };
    let bytes = 0;
    let source = this.#largest;
    for (const { stage } of this.#stages) {
      bytes = Math.max(bytes, scratchBytes({ source: { ...source, channels: plan.channels }, output: stage }));
      source = stage;
    }
    const offset = this.#scratch.ensure(bytes);
    this.#kernels = createKernels(memory, { offset, byteLength: this.#scratch.byteLength });
  }
}

function tooLong(columns: number, rows: number): SampleError {
  return new SampleError({
    problem: "the image has a side that is too long to be transformed",
    expected: `at most ${MAX_SIDE} pixels`,
    found: `${columns} x ${rows}`,
    fix: "scale it down, or skip it with onBadSample",
  });
}

async function bindPixels(
  { index, transform }: Step<ColourTransform | UserTransform>,
  random: TransformRandom,
): Promise<PixelStep> {
  if (transform.kind !== "user") return { index, change: transform };
  return { index, change: new UserTransformCall(transform, await importUserTransform(transform), random) };
}

function bindStage(stage: ImageStage, pixels: readonly PixelStep[], channels: 1 | 3): BoundStage {
  const { width, height, dtype, layout, fill, affine } = stage;
  const outputBytes = width * height * channels * dtypeBytes(dtype);
  return {
    stage,
    pixels,
    hasUsers: pixels.some(({ change }) => change instanceof UserTransformCall),
    image: { offset: 0, width, height, channels },
    outputBytes,
    job: {
      source: { offset: 0, width: 0, height: 0, channels },
      box: createGeometry(),
      output: { offset: 0, byteLength: outputBytes, width, height, dtype },
      flip: false,
      flipVertical: false,
      layout,
      ...(fill === undefined ? {} : { fill }),
      ...affine,
    },
  };
}
