import { dtypeBytes, OptionError } from "@millrace/formats/shard";

/** Pixels in the kernels' memory: uint8, row-major, channels interleaved, rows without gaps. */
export interface ResampleSource {
  /** Byte offset in the memory. */
  readonly offset: number;
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** 3 for RGB, 1 for grey. */
  readonly channels: 1 | 3;
}

/**
 * A rectangle of a source in pixels, inside of it (but see `ResampleJob.fill`); fractions are allowed, as in Pillow's
 * `resize(box=...)`.
 */
export interface Box {
  /** Left edge. */
  readonly x: number;
  /** Upper edge. */
  readonly y: number;
  /** Columns, above 0. */
  readonly width: number;
  /** Rows, above 0. */
  readonly height: number;
}

/** Element types of a result; `float16` is IEEE 754 binary16, rounded to nearest, ties to even. */
export const OUTPUT_DTYPES = ["uint8", "float16", "float32"] as const;
/** One of {@link OUTPUT_DTYPES}. */
export type OutputDtype = (typeof OUTPUT_DTYPES)[number];

/** Order of a result's axes: `nhwc` is `[height, width, channels]`, `nchw` is `[channels, height, width]`. */
export const OUTPUT_LAYOUTS = ["nhwc", "nchw"] as const;
/** One of {@link OUTPUT_LAYOUTS}. */
export type OutputLayout = (typeof OUTPUT_LAYOUTS)[number];

/** Where the result goes, with the source's channels, without gaps. */
export interface ResampleOutput {
  /** Byte offset in the memory; a multiple of 4 for `float32`, of 2 for `float16`. */
  readonly offset: number;
  /** Room there in bytes. Nothing is ever written outside of `[offset, offset + byteLength)`. */
  readonly byteLength: number;
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /**
   * `uint8`: levels 0 to 255; `float32`: `level * scale[c] + shift[c]`, with the level's fraction kept; `float16`: the
   * same, rounded once more.
   */
  readonly dtype: OutputDtype;
}

/** One image: crop, antialiased resize, flips and normalisation in one pass. */
export interface ResampleJob {
  readonly source: ResampleSource;
  readonly box: Box;
  /** Mirrors the result horizontally. Default: false. */
  readonly flip?: boolean;
  /** Mirrors the result vertically. Default: false. */
  readonly flipVertical?: boolean;
  readonly output: ResampleOutput;
  /** Order of the result's axes. Default: `nhwc`. */
  readonly layout?: OutputLayout;
  /** `float32` and `float16` only: factor for each channel. Default: 1. Rounded to float32. */
  readonly scale?: readonly number[];
  /** `float32` and `float16` only: summand for each channel. Default: 0. Rounded to float32. */
  readonly shift?: readonly number[];
  /**
   * Level of each channel, 0 to 255, for what the box has outside of the source. With it the box may stick out, or lie
   * outside altogether, but it must have whole edges and the output's size: what is filled is not resampled.
   */
  readonly fill?: readonly number[];
}

/** A run of bytes in the kernels' memory. */
export interface MemoryRange {
  /** Byte offset in the memory. */
  readonly offset: number;
  /** Length in bytes. */
  readonly byteLength: number;
}

/** Most columns or rows of a source or of a result. */
export const MAX_SIDE = 65_535;

function fail(option: string, problem: string, expected: string, found: string, fix?: string): never {
  throw new OptionError({ option, problem, expected, found, fix });
}

function checkSide(option: string, value: number): void {
  if (!Number.isInteger(value) || value < 1 || value > MAX_SIDE)
    fail(option, "is not a side", `an integer from 1 to ${MAX_SIDE}`, String(value));
}

function checkInMemory(option: string, offset: number, byteLength: number, memoryBytes: number): void {
  if (
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(byteLength) &&
    offset >= 0 &&
    byteLength >= 0 &&
    offset + byteLength <= memoryBytes
  )
    return;
  fail(option, "lies outside of the memory", `a range in 0 to ${memoryBytes}`, `${offset} + ${byteLength}`);
}

/** Whether ranges of numbers, each a begin and an end, have something in common. */
function overlap(beginA: number, endA: number, beginB: number, endB: number): boolean {
  return beginA < endB && beginB < endA;
}

function failApart(option: string, a: MemoryRange, b: MemoryRange, what: string): never {
  fail(
    option,
    `overlaps the ${what}`,
    "ranges that are apart",
    `${a.offset} + ${a.byteLength} and ${b.offset} + ${b.byteLength}`,
  );
}

/** Whether the box and the output have the same size and the box whole edges: nothing to resample. */
export function isCopy(box: Box, output: ResampleOutput): boolean {
  return (
    box.width === output.width && box.height === output.height && Number.isInteger(box.x) && Number.isInteger(box.y)
  );
}

function checkBox(box: Box, source: ResampleSource): void {
  const { x, y, width, height } = box;
  // Comparisons with NaN are false, so a box of NaN is not inside. A width of 1e-20 does not move an edge: hence x < width.
  const inside =
    x >= 0 &&
    y >= 0 &&
    width > 0 &&
    height > 0 &&
    x < source.width &&
    y < source.height &&
    x + width <= source.width &&
    y + height <= source.height;
  if (!inside)
    fail(
      "box",
      "is not inside of the source",
      `within ${source.width} x ${source.height}`,
      `${width} x ${height} at ${x}, ${y}`,
    );
}

function checkFill(job: ResampleJob, fill: readonly number[]): void {
  const { box, output, source } = job;
  if (fill.length !== source.channels || !fill.every((level) => Number.isInteger(level) && level >= 0 && level <= 255))
    fail("fill", "does not fit", `${source.channels} integers from 0 to 255`, JSON.stringify(fill));
  if (!isCopy(box, output))
    fail(
      "box",
      "is resampled and filled at once",
      `whole edges and the output's size, ${output.width} x ${output.height}`,
      `${box.width} x ${box.height} at ${box.x}, ${box.y}`,
      "fill first and resample the result, or leave fill out",
    );
  if (Math.abs(box.x) > MAX_SIDE || Math.abs(box.y) > MAX_SIDE)
    fail("box", "is too far away", `edges from -${MAX_SIDE} to ${MAX_SIDE}`, `${box.x}, ${box.y}`);
}

function checkFactors(option: string, values: readonly number[] | undefined, job: ResampleJob): void {
  if (values === undefined) return;
  if (job.output.dtype === "uint8")
    fail(option, "has no meaning for uint8", "float32 or float16 output", job.output.dtype, `leave ${option} out`);
  let finite = values.length === job.source.channels;
  for (let c = 0; c < values.length; c++) finite &&= Number.isFinite(Math.fround(values[c] as number));
  if (!finite) fail(option, "does not fit", `${job.source.channels} finite numbers`, JSON.stringify(values));
}

/** Checks an image, which the kernels of colours change in place, against a memory and the scratch region. */
export function checkImage(image: ResampleSource, memoryBytes: number, scratch: MemoryRange): void {
  if (image.channels !== 1 && image.channels !== 3)
    fail("source.channels", "is not supported", "1 or 3", String(image.channels));
  checkSide("source.width", image.width);
  checkSide("source.height", image.height);
  const byteLength = image.width * image.height * image.channels;
  checkInMemory("source", image.offset, byteLength, memoryBytes);
  if (overlap(image.offset, image.offset + byteLength, scratch.offset, scratch.offset + scratch.byteLength))
    failApart("source", { offset: image.offset, byteLength }, scratch, "scratch region");
}

function checkOutput(job: ResampleJob, memoryBytes: number): void {
  const { output, source, layout = "nhwc" } = job;
  checkSide("output.width", output.width);
  checkSide("output.height", output.height);
  if (!OUTPUT_DTYPES.includes(output.dtype))
    fail("output.dtype", "is not supported", OUTPUT_DTYPES.join(" | "), output.dtype);
  if (!OUTPUT_LAYOUTS.includes(layout)) fail("layout", "is not supported", OUTPUT_LAYOUTS.join(" | "), layout);
  checkInMemory("output", output.offset, output.byteLength, memoryBytes);
  const element = dtypeBytes(output.dtype);
  const needed = output.width * output.height * source.channels * element;
  if (needed > output.byteLength)
    fail("output.byteLength", "is too small for the result", `at least ${needed}`, String(output.byteLength));
  if (output.offset % element !== 0)
    fail("output.offset", "is not aligned", `a multiple of ${element}`, String(output.offset));
}

/**
 * Checks a job against a memory of `memoryBytes` and the kernels' scratch region: sides, box inside of the source,
 * ranges inside of the memory and apart from each other, room for the result. Allocates nothing if all is well.
 * @throws {@link OptionError} naming the field.
 */
export function checkJob(job: ResampleJob, memoryBytes: number, scratch: MemoryRange): void {
  const { source, output, box } = job;
  checkImage(source, memoryBytes, scratch);
  checkOutput(job, memoryBytes);
  if (job.fill === undefined) checkBox(box, source);
  else checkFill(job, job.fill);
  checkFactors("scale", job.scale, job);
  checkFactors("shift", job.shift, job);
  const end = output.offset + output.byteLength;
  const byteLength = source.width * source.height * source.channels;
  if (overlap(output.offset, end, source.offset, source.offset + byteLength))
    failApart("output", output, { offset: source.offset, byteLength }, "source");
  if (overlap(output.offset, end, scratch.offset, scratch.offset + scratch.byteLength))
    failApart("output", output, scratch, "scratch region");
}
