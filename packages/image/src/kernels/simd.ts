import { readFileSync } from "node:fs";
import { createPlainKernels } from "./plain.js";
import { JobPlanner } from "./plan.js";
import type { MemoryRange, ResampleJob } from "./job.js";
import type { KernelMemory } from "./memory.js";
import type { Kernels } from "./kernels.js";
import { webAssembly, type WasmModule } from "./web-assembly.js";

/** What kernels/index.ts exports; addresses are byte offsets in the memory. */
interface KernelExports {
  resample(
    source: number,
    sourceStride: number,
    rowBytes: number,
    channels: number,
    rowStarts: number,
    rowCounts: number,
    rowWeights: number,
    rowWeightBytes: number,
    columnStarts: number,
    columnWeights: number,
    columnWeightBytes: number,
    taps: number,
    line: number,
    output: number,
    width: number,
    height: number,
    float: number,
    factors: number,
  ): void;
  convert(
    source: number,
    sourceStride: number,
    channels: number,
    output: number,
    width: number,
    height: number,
    flip: number,
    float: number,
    factors: number,
  ): void;
}

const modules = new Map<string, WasmModule | undefined>();

/** The module for that kind of memory, or `undefined` where the machine has no WebAssembly SIMD. */
function loadModule(shared: boolean): WasmModule | undefined {
  const file = shared ? "kernels-shared.wasm" : "kernels.wasm";
  if (!modules.has(file)) {
    // From dist/kernels/ as from src/kernels/: the package ships both folders.
    const wasm = webAssembly();
    const bytes = readFileSync(new URL(`../../src/kernels/${file}`, import.meta.url));
    modules.set(file, wasm.validate(bytes) ? new wasm.Module(bytes) : undefined);
  }
  return modules.get(file);
}

/** Kernels in WebAssembly on `memory`, or `undefined` where the machine has no WebAssembly SIMD. */
export function createSimdKernels(memory: KernelMemory, scratch: MemoryRange): Kernels | undefined {
  const module = loadModule(memory.buffer instanceof SharedArrayBuffer);
  if (module === undefined) return undefined;
  const { exports } = new (webAssembly().Instance)(module, { env: { memory } });
  const kernels = exports as KernelExports;
  const planner = new JobPlanner(memory, scratch);
  const plain = createPlainKernels(memory, scratch);
  return {
    ...plain,
    name: "simd",
    resample(job: ResampleJob): void {
      const plan = planner.plan(job);
      if (plan.element === 2 || plan.planar || plan.flipVertical || plan.padded) {
        plain.resample(job);
        return;
      }
      const { source, output } = job;
      const { sourceAt, sourceStride, factorsAt, rows, columns } = plan;
      const float = plan.element === 4 ? 1 : 0;
      if (plan.copy) {
        const flip = plan.flip ? 1 : 0;
        const { offset, width, height } = output;
        kernels.convert(sourceAt, sourceStride, source.channels, offset, width, height, flip, float, factorsAt);
        return;
      }
      kernels.resample(
        sourceAt,
        sourceStride,
        plan.rowBytes,
        source.channels,
        rows.startsAt,
        rows.countsAt,
        rows.weightsAt,
        rows.stride * 2,
        columns.startsAt,
        columns.weightsAt,
        columns.stride * 2,
        plan.columnTaps,
        plan.lineAt,
        output.offset,
        output.width,
        output.height,
        float,
        factorsAt,
      );
    },
  };
}
