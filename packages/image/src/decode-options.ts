import type { ImagePlace } from "./image-error.js";

/** Most pixels (width times height) that a decoder takes on, unless told otherwise: 2^28, a square of 16384. */
export const DEFAULT_MAX_PIXELS: number = 2 ** 28;

/** How to decode one image. */
export interface DecodeOptions extends ImagePlace {
  /** Most pixels; checked from the header, before anything is decoded. Default: {@link DEFAULT_MAX_PIXELS}. */
  readonly maxPixels?: number | undefined;
  /** 3 (default): every image becomes RGB; 1: every image becomes grey. */
  readonly channels?: 1 | 3 | undefined;
  /** Memory for the pixels, the caller's own, from its first byte on; `Pixels.data` is then a view of it. */
  readonly into?: Uint8Array | undefined;
}
