import type { ByteReader } from "./byte-reader.js";
import type { HeaderFormat, ImageSize } from "./header-format.js";

/** Sizes of the second header: BITMAPCOREHEADER, OS22X, BITMAPINFOHEADER and its longer versions. */
const HEADER_BYTES = [12, 16, 40, 52, 56, 64, 108, 124];

function size(reader: ByteReader): ImageSize {
  if (reader.u32(14, true) === 12) return { width: reader.u16(18, true), height: reader.u16(20, true) };
  // A negative height says that the rows come from the top.
  return { width: reader.i32(18, true), height: Math.abs(reader.i32(22, true)) };
}

/** BMP: a file header of 14 bytes, then one that begins with its own length. Two letters alone would match texts. */
export const bmp: HeaderFormat = {
  signatures: HEADER_BYTES.map((bytes) => `BM${"?".repeat(12)}${String.fromCharCode(bytes)}\0\0\0`),
  size,
};
