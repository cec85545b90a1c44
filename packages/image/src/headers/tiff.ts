import type { ByteReader } from "./byte-reader.js";
import type { HeaderFormat, ImageSize } from "./header-format.js";

const WIDTH = 256;
const HEIGHT = 257;
const BITS_PER_SAMPLE = 258;
const SAMPLE_FORMAT = 339;
const TAGS: ReadonlySet<number> = new Set([WIDTH, HEIGHT, BITS_PER_SAMPLE, SAMPLE_FORMAT]);
const SHORT = 3;
const LONG = 4;
/** Bytes of one value of each type: BYTE, ASCII, SHORT, LONG, RATIONAL, the signed ones, FLOAT, DOUBLE, IFD. */
const VALUE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4];

/** Where an entry's values lie: in the entry if they take at most 4 bytes, else at an offset. */
function valuesAt(reader: ByteReader, entry: number, little: boolean): number {
  const bytes = (VALUE_BYTES[reader.u16(entry + 2, little)] ?? 0) * reader.u32(entry + 4, little);
  if (bytes <= 4) return entry + 8;
  const at = reader.u32(entry + 8, little);
  if (at + bytes > reader.length) reader.fail("truncated", "ends before the values of its directory", entry);
  return at;
}

function size(reader: ByteReader): ImageSize {
  const little = reader.u8(0) === 0x49;
  const directory = reader.u32(4, little);
  const entries = reader.u16(directory, little);
  // The offset of the next directory stands behind the entries.
  reader.u32(directory + 2 + entries * 12, little);
  const found = new Map<number, number>();
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + i * 12;
    const at = valuesAt(reader, entry, little);
    const tag = reader.u16(entry, little);
    if (!TAGS.has(tag)) continue;
    const type = reader.u16(entry + 2, little);
    if (type !== SHORT && type !== LONG) reader.fail("corrupt", "has a number of a wrong type", entry + 2);
    found.set(tag, type === SHORT ? reader.u16(at, little) : reader.u32(at, little));
  }
  // Whole numbers of 32 bits and floats have no range that could be mapped to 0 to 255.
  if ((found.get(BITS_PER_SAMPLE) ?? 1) > 16 || (found.get(SAMPLE_FORMAT) ?? 1) !== 1)
    reader.fail("unsupported", "has samples that are not unsigned integers of at most 16 bits");
  return { width: found.get(WIDTH) ?? 0, height: found.get(HEIGHT) ?? 0 };
}

/** TIFF 6.0: byte order, 42, then the offset of the first directory of tagged values. */
export const tiff: HeaderFormat = {
  signatures: ["II*\0", "MM\0*"],
  size,
};
