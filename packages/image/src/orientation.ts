import type { ImageHeader } from "./header.js";
import { ByteReader } from "./headers/byte-reader.js";
import { readJpegHead } from "./headers/jpeg-head.js";
import { isMillraceError } from "@millrace/formats/shard";

/** The bit of the flags of a WebP's `VP8X` chunk that announces EXIF (WebP container specification, "Extended"). */
const WEBP_EXIF = 0x08;

/**
 * The EXIF orientation of an image, 1 to 8, by its first bytes; from 5 on, rows become columns. `undefined` where only
 * decoding tells: in encodings that keep it elsewhere, or if the bytes end before it can be known.
 * @param bytes - The image or its beginning, which {@link imageHeader} has taken.
 */
export function imageOrientation(bytes: Uint8Array, { encoding }: ImageHeader): number | undefined {
  switch (encoding) {
    case "jpeg":
      return jpegOrientation(bytes);
    case "png":
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes("eXIf", "latin1") ? undefined : 1;
    case "webp":
      return bytes[15] === 0x58 && ((bytes[20] ?? WEBP_EXIF) & WEBP_EXIF) !== 0 ? undefined : 1;
    case "gif":
    case "bmp":
      return 1;
    case "tiff":
    case "avif":
      return undefined;
  }
}

function jpegOrientation(bytes: Uint8Array): number | undefined {
  try {
    return readJpegHead(new ByteReader(bytes, {})).orientation;
  } catch (error) {
    if (isMillraceError(error)) return undefined;
    throw error;
  }
}
