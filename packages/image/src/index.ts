export { cpuBudget, cpuBudgetOf, type ReadText } from "./cpu-budget.js";
export { decodeImage, type DecodeImageOptions } from "./decode-image.js";
export { DEFAULT_MAX_PIXELS, type DecodeOptions } from "./decode-options.js";
export {
  createDecoder,
  DECODERS,
  type Decoder,
  type DecoderCandidate,
  type DecoderName,
  type DecoderOptions,
} from "./decoder.js";
export { IMAGE_ENCODINGS, imageHeader, type ImageEncoding, type ImageHeader } from "./header.js";
export { REJECT_REASONS, type ImagePlace, type RejectReason } from "./image-error.js";
export type { ColourKernels } from "./kernels/colour.js";
export {
  MAX_SIDE,
  OUTPUT_DTYPES,
  OUTPUT_LAYOUTS,
  type Box,
  type MemoryRange,
  type OutputDtype,
  type OutputLayout,
  type ResampleJob,
  type ResampleOutput,
  type ResampleSource,
} from "./kernels/job.js";
export { createKernels, type Kernels } from "./kernels/kernels.js";
export { createMemory, type KernelMemory, type MemoryOptions } from "./kernels/memory.js";
export { createPlainKernels } from "./kernels/plain.js";
export { scratchBytes, type ScratchSize } from "./kernels/plan.js";
export { imageOrientation } from "./orientation.js";
export type { Pixels } from "./pixels.js";
