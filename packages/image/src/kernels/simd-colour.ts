import { checkFactor, type ColourKernels } from "./colour.js";
import { checkImage, type ResampleSource } from "./job.js";
import type { KernelExports } from "./kernel-exports.js";
import { meanOf } from "./plain-colour.js";
import type { JobPlanner } from "./plan.js";

/** The float32 factors lie before the block of pixels that the kernels work in. */
const FACTOR_BYTES = 32;

/** The colour kernels in WebAssembly. */
export function createSimdColour(kernels: KernelExports, planner: JobPlanner): ColourKernels {
  /** Checks an image and gives the offset of the block. */
  const check = (image: ResampleSource): number => {
    checkImage(image, planner.bytes.byteLength, planner.scratch);
    return planner.headAt + FACTOR_BYTES;
  };
  return {
    brightness(image, factor): void {
      checkFactor("brightness", factor, 0, Number.POSITIVE_INFINITY);
      const block = check(image);
      kernels.blendRun(image.offset, image.width * image.height * image.channels, factor, 0, block);
    },
    contrast(image, factor): void {
      checkFactor("contrast", factor, 0, Number.POSITIVE_INFINITY);
      const block = check(image);
      const { offset, channels } = image;
      const pixels = image.width * image.height;
      const sum = channels === 3 ? kernels.sumGreyRun(offset, pixels, block) : kernels.sumRun(offset, pixels);
      const other = Math.fround(1 - factor) * meanOf(sum, image);
      kernels.blendRun(offset, pixels * channels, factor, other, block);
    },
    saturation(image, factor): void {
      checkFactor("saturation", factor, 0, Number.POSITIVE_INFINITY);
      const block = check(image);
      if (image.channels === 3)
        kernels.saturateRun(image.offset, image.width * image.height, factor, 1 - factor, block);
    },
    hue(image, shift): void {
      checkFactor("hue", shift, -0.5, 0.5);
      const block = check(image);
      if (image.channels === 3) kernels.turnRun(image.offset, image.width * image.height, shift, block);
    },
    grayscale(image): void {
      const block = check(image);
      if (image.channels === 3) kernels.greyRun(image.offset, image.width * image.height, block);
    },
  };
}
