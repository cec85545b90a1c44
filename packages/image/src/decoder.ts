import { OptionError } from "@millrace/formats";
import type { DecodeOptions } from "./decode-options.js";
import { decodeBySharp } from "./decoders/sharp.js";
import type { Pixels } from "./pixels.js";

/**
 * Bytes of an encoded image to pixels. Every image comes out as uint8 sRGB of the asked number of channels, upright
 * (EXIF orientation applied): grey, CMYK, palette, 1-bit and 16-bit are converted, an embedded colour profile too,
 * alpha is flattened on black, an animation gives its first frame.
 */
export interface Decoder {
  /** Which decoder it is. */
  readonly name: DecoderName;
  /**
   * Decodes one image. `bytes` must stay unchanged until the result is there; they may lie in shared memory. Some
   * decoders answer at once, others with a promise: `await` takes both.
   * @throws ImageError, with a reason out of `REJECT_REASONS`, for whatever is wrong with the bytes; never a partly
   * grey image. Damage that leaves a valid stream cannot be seen, nor can a JPEG that was cut in its last rows of
   * blocks and then closed by an end marker: keep checksums of the bytes.
   * @throws OptionError for impossible options, such as an `into` that is too small; WorkerError where there is not
   * enough memory.
   */
  decode(bytes: Uint8Array, options?: DecodeOptions): Pixels | Promise<Pixels>;
}

/** The decoders there are. */
export const DECODERS = ["sharp"] as const;
/** Name of a decoder. */
export type DecoderName = (typeof DECODERS)[number];

/** Which decoder to take. */
export interface DecoderOptions {
  /** `auto` (default): the fastest that is installed. */
  readonly decoder?: DecoderName | "auto";
}

/**
 * A decoder. It holds nothing open.
 *
 * `sharp` does its work on libuv's threads, which a whole process shares: threads of JavaScript add no speed. Call it
 * from one thread with about four images in flight for each CPU, and set `UV_THREADPOOL_SIZE` to the CPUs and two more
 * before the process starts. It is set to one thread an image and to no cache for the whole process.
 * @throws OptionError for an unknown name.
 */
export function createDecoder(options: DecoderOptions = {}): Decoder {
  const { decoder = "auto" } = options;
  if (decoder !== "auto" && !DECODERS.includes(decoder)) {
    throw new OptionError({
      option: "decoder",
      problem: "is not a decoder",
      expected: ["auto", ...DECODERS].join(" | "),
      found: decoder,
    });
  }
  return { name: "sharp", decode: (bytes, decodeOptions = {}) => decodeBySharp(bytes, decodeOptions) };
}
