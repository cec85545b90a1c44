import { JobPlanner, type ResamplePlan } from "./plan.js";
import type { MemoryRange, ResampleJob } from "./job.js";
import { instantiateKernels, type KernelExports } from "./kernel-exports.js";
import type { KernelMemory } from "./memory.js";
import type { Kernels } from "./kernels.js";
import { createSimdColour } from "./simd-colour.js";

function convert(kernels: KernelExports, job: ResampleJob, plan: ResamplePlan): void {
  const { source, output } = job;
  kernels.convert(
    plan.sourceAt,
    plan.sourceStride,
    source.channels,
    output.offset,
    output.width,
    output.height,
    plan.flip ? 1 : 0,
    plan.flipVertical ? 1 : 0,
    plan.element,
    plan.planar ? 1 : 0,
    plan.factorsAt,
    plan.padded ? 1 : 0,
    plan.fillAt,
    plan.fillLeft * source.channels,
    plan.fillTop,
    plan.innerWidth * source.channels,
    plan.innerHeight,
  );
}

function resample(kernels: KernelExports, job: ResampleJob, plan: ResamplePlan): void {
  const { source, output } = job;
  const { rows, columns } = plan;
  kernels.resample(
    plan.sourceAt,
    plan.sourceStride,
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
    plan.rowAt,
    output.offset,
    output.width,
    output.height,
    plan.flipVertical ? 1 : 0,
    plan.element,
    plan.planar ? 1 : 0,
    plan.factorsAt,
  );
}

/** Kernels in WebAssembly on `memory`, or `undefined` where the machine has no WebAssembly SIMD. */
export function createSimdKernels(memory: KernelMemory, scratch: MemoryRange): Kernels | undefined {
  const kernels = instantiateKernels(memory);
  if (kernels === undefined) return undefined;
  const planner = new JobPlanner(memory, scratch);
  return {
    name: "simd",
    resample(job: ResampleJob): void {
      const plan = planner.plan(job);
      if (plan.copy) convert(kernels, job, plan);
      else resample(kernels, job, plan);
    },
    ...createSimdColour(kernels, planner),
  };
}
