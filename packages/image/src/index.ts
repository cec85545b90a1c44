export * from "./pixels.js";
export { createKernels, type Kernels } from "./kernels/kernels.js";
export {
  MAX_SIDE,
  type Box,
  type MemoryRange,
  type ResampleJob,
  type ResampleOutput,
  type ResampleSource,
} from "./kernels/job.js";
export { scratchBytes, type ScratchSize } from "./kernels/plan.js";
export { createPlainKernels } from "./kernels/plain.js";
export { createMemory, type KernelMemory, type MemoryOptions } from "./kernels/memory.js";
