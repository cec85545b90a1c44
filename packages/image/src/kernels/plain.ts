import { halfBits } from "./half.js";
import type { MemoryRange, ResampleJob } from "./job.js";
import type { KernelMemory } from "./memory.js";
import type { Kernels } from "./kernels.js";
import { createPlainColour } from "./plain-colour.js";
import { JobPlanner, type ResamplePlan } from "./plan.js";

/*
 * The arithmetic of both kernels, in integers. Weights sum to 2^14.
 *   vertical     line[i] = (sum of level * weight + 64) >> 7, a level times 128 in an int16
 *   horizontal   sum     = sum of line[j] * weight, a level times 2^21 in an int32
 *   uint8        (sum + 2^20) >> 21
 *   float32      float32(sum) * float32(scale * 2^-21) + shift, rounded to float32 after each step
 *   float16      the float32, rounded to nearest, ties to even
 */

/** Bits after the point of a sum. */
const FRACTION_BITS = 21;

/** Stores the sum of channel `c` as element `at` of the output. A copied level is a sum without fraction bits. */
type Put = (at: number, c: number, sum: number) => void;

/** A job and all that its arithmetic needs. */
interface Work {
  readonly job: ResampleJob;
  readonly plan: ResamplePlan;
  readonly bytes: Uint8Array;
  readonly put: Put;
}

/** Puts a pixel's channels, `sums[c]`, at column `x` of output row `y`, which is mirrored if asked for. */
function putPixel({ job, plan, put }: Work, x: number, y: number, sumOf: (c: number) => number): void {
  const { channels } = job.source;
  const { width, height } = job.output;
  const pixel = (plan.flipVertical ? height - 1 - y : y) * width + x;
  for (let c = 0; c < channels; c++) put(plan.planar ? c * width * height + pixel : pixel * channels + c, c, sumOf(c));
}

function resampleRows(work: Work): void {
  const { job, plan, bytes } = work;
  const { rows, columns, columnTaps, rowBytes, sourceStride } = plan;
  const { channels } = job.source;
  const { width, height } = job.output;
  const rowStarts = new Uint32Array(bytes.buffer, rows.startsAt, height);
  const rowCounts = new Int32Array(bytes.buffer, rows.countsAt, height);
  const rowWeights = new Int16Array(bytes.buffer, rows.weightsAt, height * rows.stride);
  const columnStarts = new Uint32Array(bytes.buffer, columns.startsAt, width);
  const columnWeights = new Int16Array(bytes.buffer, columns.weightsAt, width * columns.stride);
  const line = new Int16Array(bytes.buffer, plan.lineAt, rowBytes + (columns.stride + 1) * channels);
  for (let y = 0; y < height; y++) {
    const first = plan.sourceAt + (rowStarts[y] as number) * sourceStride;
    for (let i = 0; i < rowBytes; i++) {
      let sum = 64;
      for (let t = 0; t < (rowCounts[y] as number); t++)
        sum += (bytes[first + t * sourceStride + i] as number) * (rowWeights[y * rows.stride + t] as number);
      line[i] = sum >> 7;
    }
    for (let x = 0; x < width; x++) {
      const start = (columnStarts[x] as number) / 2;
      putPixel(work, x, y, (c) => {
        let sum = 0;
        for (let t = 0; t < columnTaps; t++)
          sum += (line[start + c + t * channels] as number) * (columnWeights[x * columns.stride + t] as number);
        return sum;
      });
    }
  }
}

function convertRows(work: Work): void {
  const { job, plan, bytes } = work;
  const { channels } = job.source;
  const { width, height } = job.output;
  const lineAt = plan.fillAt + width * channels;
  for (let y = 0; y < height; y++) {
    let from = plan.sourceAt + y * plan.sourceStride;
    if (plan.padded) {
      const row = y - plan.fillTop;
      const isInside = row >= 0 && row < plan.innerHeight;
      from = isInside ? lineAt : plan.fillAt;
      const source = plan.sourceAt + row * plan.sourceStride;
      if (isInside) bytes.copyWithin(lineAt + plan.fillLeft * channels, source, source + plan.innerWidth * channels);
    }
    for (let x = 0; x < width; x++) {
      const pixel = from + (plan.flip ? width - 1 - x : x) * channels;
      putPixel(work, x, y, (c) => bytes[pixel + c] as number);
    }
  }
}

function putBytes(job: ResampleJob, plan: ResamplePlan, buffer: ArrayBufferLike): Put {
  const output = new Uint8Array(buffer, job.output.offset, job.output.byteLength);
  const bits = plan.copy ? 0 : FRACTION_BITS;
  const half = plan.copy ? 0 : 2 ** (FRACTION_BITS - 1);
  return (at, _c, sum) => {
    output[at] = (sum + half) >> bits;
  };
}

function putFloats(job: ResampleJob, plan: ResamplePlan, factors: Float32Array, buffer: ArrayBufferLike): Put {
  const { offset, byteLength } = job.output;
  const unit = plan.copy ? 1 : 2 ** -FRACTION_BITS;
  const scale = factors.slice(0, 4).map((value) => value * unit);
  const shift = factors.slice(4, 8);
  const valueOf = (c: number, sum: number): number =>
    Math.fround(Math.fround(Math.fround(sum) * (scale[c] as number)) + (shift[c] as number));
  if (plan.element === 4) {
    const output = new Float32Array(buffer, offset, Math.floor(byteLength / 4));
    return (at, c, sum) => {
      output[at] = valueOf(c, sum);
    };
  }
  const output = new Uint16Array(buffer, offset, Math.floor(byteLength / 2));
  return (at, c, sum) => {
    output[at] = halfBits(valueOf(c, sum));
  };
}

/** The twin of the SIMD kernels in plain TypeScript, with exactly the same results: their oracle and their fallback. */
export function createPlainKernels(memory: KernelMemory, scratch: MemoryRange): Kernels {
  const planner = new JobPlanner(memory, scratch);
  return {
    name: "plain",
    resample(job: ResampleJob): void {
      const plan = planner.plan(job);
      const { bytes } = planner;
      const put =
        plan.element === 1 ? putBytes(job, plan, bytes.buffer) : putFloats(job, plan, planner.factors, bytes.buffer);
      const work = { job, plan, bytes, put };
      if (plan.copy) convertRows(work);
      else resampleRows(work);
    },
    ...createPlainColour(planner),
  };
}
