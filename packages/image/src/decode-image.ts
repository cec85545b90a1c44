import type { DecodeOptions } from "./decode-options.js";
import { decodeBySharp } from "./decoders/sharp.js";
import type { Pixels } from "./pixels.js";

/** How to prepare one image for a dataset. */
export interface DecodeImageOptions extends DecodeOptions {
  /**
   * Makes the result `size` by `size` pixels: scaled until it covers the square, centred, what sticks out cut off; small
   * images are enlarged. Default: the image's own size.
   */
  readonly size?: number | undefined;
}

/**
 * Decodes one image for a conversion, and resizes it if asked: upright uint8 sRGB of three channels (see `Decoder`),
 * by sharp with its own resize (Lanczos 3 when reducing). JPEG is decoded at a fraction of its size where that is
 * enough. The same bytes give the same pixels on every run, in every thread, however many are in flight.
 * @throws ImageError, with a reason out of `REJECT_REASONS`, for whatever is wrong with the bytes.
 * @throws OptionError for impossible options; WorkerError where there is not enough memory.
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeImageOptions = {}): Promise<Pixels> {
  return decodeBySharp(bytes, options);
}
