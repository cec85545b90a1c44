import { CPU_RELEASE } from "./cpu-release.js";
import { CUDA_RELEASE } from "./cuda-release.js";
import type { TensorflowRelease } from "./release.js";

/** Every release that `install` knows. */
export const TENSORFLOW_RELEASES: readonly TensorflowRelease[] = [CPU_RELEASE, CUDA_RELEASE];

/** The release that `install` takes: with CUDA, or for the CPU alone. */
export function tensorflowRelease(cuda: boolean): TensorflowRelease {
  return cuda ? CUDA_RELEASE : CPU_RELEASE;
}
