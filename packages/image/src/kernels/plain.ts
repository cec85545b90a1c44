import type { MemoryRange, ResampleJob } from "./job.js";
import type { KernelMemory } from "./memory.js";
import type { Kernels } from "./kernels.js";
import { planJob, type ResamplePlan } from "./plan.js";

/*
 * The arithmetic of both kernels, in integers. Weights sum to 2^14.
 *   vertical     line[i] = (sum of level * weight + 64) >> 7, a level times 128 in an int16
 *   horizontal   sum     = sum of line[j] * weight, a level times 2^21 in an int32
 *   uint8        (sum + 2^20) >> 21
 *   float32      float32(sum) * float32(scale * 2^-21) + shift, rounded to float32 after each step
 */

/** Bits after the point of a sum. */
const FRACTION_BITS = 21;

function blendRows(source: Uint8Array, plan: ResamplePlan, line: Int16Array, y: number): void {
  const { rows, rowBytes, sourceStride } = plan;
  const count = rows.counts[y] as number;
  const first = plan.sourceAt + (rows.starts[y] as number);
  for (let i = 0; i < rowBytes; i++) {
    let sum = 64;
    for (let t = 0; t < count; t++)
      sum += (source[first + t * sourceStride + i] as number) * (rows.weights[y * rows.stride + t] as number);
    line[i] = sum >> 7;
  }
}

function sumColumns(line: Int16Array, plan: ResamplePlan, channels: number, x: number, c: number): number {
  const { columns, columnTaps } = plan;
  const first = (columns.starts[x] as number) / 2 + c;
  let sum = 0;
  for (let t = 0; t < columnTaps; t++)
    sum += (line[first + t * channels] as number) * (columns.weights[x * columns.stride + t] as number);
  return sum;
}

function resampleRows(job: ResampleJob, plan: ResamplePlan, buffer: ArrayBufferLike, put: Put): void {
  const { channels } = job.source;
  const source = new Uint8Array(buffer);
  const line = new Int16Array(buffer, plan.lineAt, plan.rowBytes + (plan.columns.stride + 1) * channels);
  for (let y = 0, at = 0; y < job.output.height; y++) {
    blendRows(source, plan, line, y);
    for (let x = 0; x < job.output.width; x++)
      for (let c = 0; c < channels; c++, at++) put(at, c, sumColumns(line, plan, channels, x, c));
  }
}

function convertRows(job: ResampleJob, plan: ResamplePlan, buffer: ArrayBufferLike, put: Put): void {
  const { channels } = job.source;
  const { width, height } = job.output;
  const source = new Uint8Array(buffer);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = plan.sourceAt + y * plan.sourceStride + (plan.flip ? width - 1 - x : x) * channels;
      for (let c = 0; c < channels; c++, at++) put(at, c, source[from + c] as number);
    }
  }
}

/** Stores the sum of channel `c` as element `at` of the output. A copied level is a sum without fraction bits. */
type Put = (at: number, c: number, sum: number) => void;

function putBytes(job: ResampleJob, plan: ResamplePlan, buffer: ArrayBufferLike): Put {
  const output = new Uint8Array(buffer, job.output.offset, job.output.byteLength);
  const bits = plan.copy ? 0 : FRACTION_BITS;
  const half = plan.copy ? 0 : 2 ** (FRACTION_BITS - 1);
  return (at, _c, sum) => {
    output[at] = (sum + half) >> bits;
  };
}

function putFloats(job: ResampleJob, plan: ResamplePlan, buffer: ArrayBufferLike): Put {
  const output = new Float32Array(buffer, job.output.offset, Math.floor(job.output.byteLength / 4));
  const unit = plan.copy ? 1 : 2 ** -FRACTION_BITS;
  const scale = plan.factors.subarray(0, 4).map((value) => value * unit);
  const shift = plan.factors.subarray(4, 8);
  return (at, c, sum) => {
    output[at] = Math.fround(Math.fround(sum) * (scale[c] as number)) + (shift[c] as number);
  };
}

/** The twin of the SIMD kernels in plain TypeScript, with exactly the same results: their oracle and their fallback. */
export function createPlainKernels(memory: KernelMemory, scratch: MemoryRange): Kernels {
  return {
    name: "plain",
    resample(job: ResampleJob): void {
      const { buffer } = memory;
      const plan = planJob(job, buffer, scratch);
      const put = plan.float ? putFloats(job, plan, buffer) : putBytes(job, plan, buffer);
      if (plan.copy) convertRows(job, plan, buffer, put);
      else resampleRows(job, plan, buffer, put);
    },
  };
}
