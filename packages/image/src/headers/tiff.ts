import { hasText, type ByteReader } from "./byte-reader.js";
import type { HeaderFormat, ImageSize } from "./header-format.js";

const WIDTH = 256;
const HEIGHT = 257;
const SHORT = 3;
const LONG = 4;

function size(reader: ByteReader): ImageSize {
  const little = reader.u8(0) === 0x49;
  const directory = reader.u32(4, little);
  const entries = reader.u16(directory, little);
  const found = new Map<number, number>();
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + i * 12;
    const tag = reader.u16(entry, little);
    if (tag !== WIDTH && tag !== HEIGHT) continue;
    const type = reader.u16(entry + 2, little);
    if (type !== SHORT && type !== LONG) reader.fail("corrupt", "has a size that is not a number", entry + 2);
    found.set(tag, type === SHORT ? reader.u16(entry + 8, little) : reader.u32(entry + 8, little));
  }
  return { width: found.get(WIDTH) ?? 0, height: found.get(HEIGHT) ?? 0 };
}

/** TIFF 6.0: byte order, 42, then the offset of the first directory of tagged values. */
export const tiff: HeaderFormat = {
  matches: (bytes) => hasText(bytes, 0, "II*\0") || hasText(bytes, 0, "MM\0*"),
  size,
};
