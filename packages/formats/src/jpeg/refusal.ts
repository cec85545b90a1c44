import { UnsupportedError } from "../errors.js";

/** Why a JPEG cannot be made seekable; its bytes are kept as they are then. */
export const JPEG_REFUSALS = [
  /** Does not begin as a JPEG does. */
  "not-jpeg",
  /** SOF3. */
  "lossless",
  /** SOF5 to SOF7, DHP, EXP. */
  "hierarchical",
  /** SOF9 and above, DAC. */
  "arithmetic",
  /** Samples of other than 8 bits. */
  "precision",
  /** The height stands only after the data (DNL). */
  "no-height",
  /** More blocks in an MCU than an interleaved scan may have, or impossible sampling factors. */
  "sampling",
  /** A component is missing or comes twice, or there are none or more than 4. */
  "components",
  /** A quantisation table changes between scans. */
  "tables-redefined",
  /** Scans of a progressive file that do not make a whole image. */
  "progression",
  /**
   * EXIF turns or mirrors the image, so that boxes of the upright image are not those of the stored one; or it is damaged,
   * so that nobody knows. (A crop has no EXIF, so it would not be decoded as the whole image is.)
   */
  "orientation",
  /** More pixels, or more blocks in all scans, than allowed. */
  "too-large",
  /** The file ends before its image does. */
  "truncated",
  /** The bytes contradict ITU-T T.81. */
  "corrupt",
] as const;
/** One of {@link JPEG_REFUSALS}. */
export type JpegRefusal = (typeof JPEG_REFUSALS)[number];

/** Leaves the parsing of a JPEG; `transcodeSeekable` turns it into a value. */
export function refuse(reason: JpegRefusal, problem: string, byte?: number): never {
  throw new UnsupportedError({ reason, problem, byte });
}
