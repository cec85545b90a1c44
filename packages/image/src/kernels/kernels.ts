import { OptionError } from "@millrace/formats/shard";
import type { ColourKernels } from "./colour.js";
import type { MemoryRange, ResampleJob } from "./job.js";
import type { KernelMemory } from "./memory.js";
import { createPlainKernels } from "./plain.js";
import { createSimdKernels } from "./simd.js";

/**
 * Resampling and changes of colour on one memory, by one thread. Several threads may each have their own on the same
 * shared memory.
 */
export interface Kernels extends ColourKernels {
  /** `simd`: WebAssembly; `plain`: TypeScript, thirty to a hundred times slower, with exactly the same results. */
  readonly name: "simd" | "plain";
  /**
   * Does one job: crop, antialiased resize, flips and normalisation, from the memory into the memory.
   * The filter is a triangle as wide as the scale (Pillow's `BILINEAR`), over the pixels of the box only, as if the
   * source had been cropped first. A box of the output's size is copied or converted without a filter, at the speed of
   * the memory; with `fill`, it may stick out of the source.
   * Touches only the job's output and the scratch region.
   * @throws OptionError if the job is impossible: box outside of the source, range outside of the memory, overlap,
   * too little room or scratch. Nothing has been written to the output then.
   */
  resample(job: ResampleJob): void;
}

/**
 * Kernels on `memory`, with `scratch` as their working space: {@link scratchBytes} long or more, apart from all
 * sources and outputs, and used by nothing else while a call runs. Between calls it holds nothing of worth.
 * Takes WebAssembly SIMD where the machine has it, and the plain twin elsewhere.
 * @throws OptionError if the scratch region does not lie in the memory.
 */
export function createKernels(memory: KernelMemory, scratch: MemoryRange): Kernels {
  const { offset, byteLength } = scratch;
  const inside = Number.isSafeInteger(offset) && Number.isSafeInteger(byteLength) && offset >= 0 && byteLength >= 0;
  if (!inside || offset + byteLength > memory.buffer.byteLength) {
    throw new OptionError({
      option: "scratch",
      problem: "lies outside of the memory",
      expected: `a range in 0 to ${memory.buffer.byteLength}`,
      found: `${offset} + ${byteLength}`,
    });
  }
  return createSimdKernels(memory, scratch) ?? createPlainKernels(memory, scratch);
}
