import { OptionError } from "@millrace/formats";

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

/** A rectangle of a source in pixels, inside of it; fractions are allowed, as in Pillow's `resize(box=...)`. */
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

/** Where the result goes: `[height, width, channels]` with the source's channels, rows without gaps. */
export interface ResampleOutput {
  /** Byte offset in the memory; a multiple of 4 for `float32`. */
  readonly offset: number;
  /** Room there in bytes. Nothing is ever written outside of `[offset, offset + byteLength)`. */
  readonly byteLength: number;
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** `uint8`: levels 0 to 255; `float32`: `level * scale[c] + shift[c]`, with the level's fraction kept. */
  readonly dtype: "uint8" | "float32";
}

/** One image: crop, antialiased resize, horizontal flip and normalisation in one pass. */
export interface ResampleJob {
  readonly source: ResampleSource;
  readonly box: Box;
  /** Mirrors the result horizontally. Default: false. */
  readonly flip?: boolean;
  readonly output: ResampleOutput;
  /** `float32` only: factor for each channel. Default: 1. Rounded to float32. */
  readonly scale?: readonly number[];
  /** `float32` only: summand for each channel. Default: 0. Rounded to float32. */
  readonly shift?: readonly number[];
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

/** Bytes of one result. */
export function outputBytes(output: ResampleOutput, channels: number): number {
  return output.width * output.height * channels * (output.dtype === "float32" ? 4 : 1);
}

function fail(option: string, problem: string, expected: string, found: string, fix?: string): never {
  throw new OptionError({ option, problem, expected, found, fix });
}

function checkSide(option: string, value: number): void {
  if (!Number.isInteger(value) || value < 1 || value > MAX_SIDE)
    fail(option, "is not a side", `an integer from 1 to ${MAX_SIDE}`, String(value));
}

function checkInMemory(option: string, range: MemoryRange, memoryBytes: number): void {
  const { offset, byteLength } = range;
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

function checkApart(option: string, a: MemoryRange, b: MemoryRange, what: string): void {
  if (a.offset < b.offset + b.byteLength && b.offset < a.offset + a.byteLength)
    fail(
      option,
      `overlaps the ${what}`,
      "ranges that are apart",
      `${a.offset} + ${a.byteLength} and ${b.offset} + ${b.byteLength}`,
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

function checkFactors(option: string, values: readonly number[] | undefined, job: ResampleJob): void {
  if (values === undefined) return;
  if (job.output.dtype !== "float32")
    fail(option, "has no meaning for uint8", "float32 output", job.output.dtype, `leave ${option} out`);
  if (values.length !== job.source.channels || !values.every((value) => Number.isFinite(Math.fround(value))))
    fail(option, "does not fit", `${job.source.channels} finite numbers`, JSON.stringify(values));
}

/**
 * Checks a job against a memory of `memoryBytes` and the kernels' scratch region: sides, box inside of the source,
 * ranges inside of the memory and apart from each other, room for the result.
 * @throws {@link OptionError} naming the field.
 */
export function checkJob(job: ResampleJob, memoryBytes: number, scratch: MemoryRange): void {
  const { source, output, box } = job;
  if (source.channels !== 1 && source.channels !== 3)
    fail("source.channels", "is not supported", "1 or 3", String(source.channels));
  checkSide("source.width", source.width);
  checkSide("source.height", source.height);
  checkSide("output.width", output.width);
  checkSide("output.height", output.height);
  if (output.dtype !== "uint8" && output.dtype !== "float32")
    fail("output.dtype", "is not supported", "uint8 or float32", String(output.dtype));
  checkBox(box, source);
  checkFactors("scale", job.scale, job);
  checkFactors("shift", job.shift, job);
  const sourceRange = { offset: source.offset, byteLength: source.width * source.height * source.channels };
  checkInMemory("source", sourceRange, memoryBytes);
  checkInMemory("output", output, memoryBytes);
  const needed = outputBytes(output, source.channels);
  if (needed > output.byteLength)
    fail("output.byteLength", "is too small for the result", `at least ${needed}`, String(output.byteLength));
  if (output.dtype === "float32" && output.offset % 4 !== 0)
    fail("output.offset", "is not aligned", "a multiple of 4", String(output.offset));
  checkApart("output", output, sourceRange, "source");
  checkApart("output", output, scratch, "scratch region");
  checkApart("source", sourceRange, scratch, "scratch region");
}
