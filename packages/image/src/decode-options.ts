import { OptionError } from "@millrace/formats/shard";
import type { ImagePlace } from "./image-error.js";

/** Most pixels (width times height) that a decoder takes on, unless told otherwise: 2^28, a square of 16384. */
export const DEFAULT_MAX_PIXELS: number = 2 ** 28;

/** How to decode one image. */
export interface DecodeOptions extends ImagePlace {
  /** Most pixels; checked from the header, before anything is decoded. Default: {@link DEFAULT_MAX_PIXELS}. */
  readonly maxPixels?: number | undefined;
  /** 3 (default): every image becomes RGB; 1: every image becomes grey. */
  readonly channels?: 1 | 3 | undefined;
  /**
   * Memory for the pixels, the caller's own, shared or not, from its first byte on; `Pixels.data` is then a view of it.
   * The bytes behind the pixels stay as they are. After an error its content is undefined.
   */
  readonly into?: Uint8Array | undefined;
}

/** Refuses an option that is not an integer from 1 to `most`. */
export function checkCount(option: string, value: number | undefined, most: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 1 && value <= most)) return;
  throw new OptionError({
    option,
    problem: "is not a possible value",
    expected: `an integer from 1 to ${most}`,
    found: String(value),
  });
}

/** Refuses `maxPixels` and `channels` that cannot be, and fills in their defaults. */
export function checkDecodeOptions(options: DecodeOptions): { maxPixels: number; channels: 1 | 3 } {
  const { maxPixels = DEFAULT_MAX_PIXELS, channels = 3 } = options;
  checkCount("maxPixels", maxPixels, Number.MAX_SAFE_INTEGER);
  if (channels !== 1 && channels !== 3)
    throw new OptionError({ option: "channels", problem: "is not possible", expected: "1 or 3", found: channels });
  return { maxPixels, channels };
}

/** Refuses an `into` that has no room for `byteLength` bytes. */
export function checkInto(into: Uint8Array, byteLength: number): void {
  if (into.length >= byteLength) return;
  throw new OptionError({
    option: "into",
    problem: "is too small for the pixels",
    expected: `at least ${byteLength} bytes`,
    found: `${into.length} bytes`,
  });
}
