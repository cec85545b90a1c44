import { CorruptShardError } from "../errors.js";

/**
 * Where the restart segments of one seekable JPEG lie. One object can take the index of one image after the other, see
 * {@link decodeJpegSegments}. Offsets are from the first byte of the JPEG.
 */
export class JpegSegments {
  /** Shard and row of the image, for errors. */
  file = "";
  sample = 0;
  /** Columns and rows of pixels. */
  width = 0;
  height = 0;
  /** Pixels of an MCU, 8 to 32 each way. */
  mcuWidth = 0;
  mcuHeight = 0;
  /** MCUs of a segment; divides those of a row. */
  mcusPerSegment = 0;
  /** Segments side by side, and rows of them. */
  segmentsPerRow = 0;
  rows = 0;
  /** `segmentsPerRow * rows`. */
  count = 0;
  /** Where the part of the header begins that decoding needs, and where it ends, which is where segment 0 begins. */
  headerStart = 0;
  headerEnd = 0;
  /** Whether the JPEG has a JFIF segment. */
  hasJfif = false;
  /**
   * Where each segment begins, row by row, and at `[count]` where the JPEG ends. A segment includes the marker behind
   * it: RSTn, or EOI behind the last. Longer than `count + 1` after a larger image.
   */
  starts: Uint32Array = new Uint32Array(1024);
}

/** Bytes of an index before the lengths. */
export const FIXED_BYTES = 16;
/** Kinds of index: lengths of 16 bits. */
export const SHORT = 1;
/** Lengths of 32 bits. */
export const LONG = 2;
/** Added where the JPEG has a JFIF segment. */
export const JFIF = 4;

/**
 * Reads the index of one image out of a column of indexes. Allocates nothing, unless the image has more segments than
 * any before it in `into`.
 * @param bytes holds the index from `begin` to `end`, which may be 0 bytes: the image is not seekable
 * @param file the shard, and `sample` the row, for errors
 * @returns false if the image is not seekable; then `into` is as it was.
 * @throws {@link CorruptShardError} if the index is impossible in itself.
 */
export function decodeJpegSegments(
  bytes: Uint8Array,
  begin: number,
  end: number,
  into: JpegSegments,
  file: string,
  sample: number,
): boolean {
  if (begin === end) return false;
  if (end - begin < FIXED_BYTES || end > bytes.length) badIndex(file, sample, "is too short");
  const kind = (bytes[begin] as number) & ~JFIF;
  const mcu = bytes[begin + 1] as number;
  into.file = file;
  into.sample = sample;
  into.width = u16(bytes, begin + 2);
  into.height = u16(bytes, begin + 4);
  into.mcuWidth = 8 * (mcu & 15);
  into.mcuHeight = 8 * (mcu >> 4);
  into.mcusPerSegment = u16(bytes, begin + 6);
  into.headerStart = u32(bytes, begin + 8);
  into.headerEnd = u32(bytes, begin + 12);
  into.hasJfif = kind !== bytes[begin];
  if (kind !== SHORT && kind !== LONG) badIndex(file, sample, "is of an unknown kind");
  checkGeometry(into);
  const size = kind === SHORT ? 2 : 4;
  const { count } = into;
  if (FIXED_BYTES + size * count !== end - begin) badIndex(file, sample, "does not have a length for each segment");
  if (into.starts.length <= count) into.starts = new Uint32Array(2 * count);
  const { starts } = into;
  let start = into.headerEnd;
  starts[0] = start;
  let at = begin + FIXED_BYTES;
  if (kind === SHORT) {
    for (let i = 1; i <= count; i++, at += 2) {
      start += (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
      starts[i] = start;
    }
  } else {
    for (let i = 1; i <= count; i++, at += 4) {
      start += u32(bytes, at);
      starts[i] = start;
    }
  }
  if (start > 0xffffffff) badIndex(file, sample, "has lengths that pass 4 GiB");
  return true;
}

function checkGeometry(index: JpegSegments): void {
  const { file, sample, width, height, mcuWidth, mcuHeight, mcusPerSegment, headerStart, headerEnd } = index;
  const sane = width > 0 && height > 0 && mcuWidth >= 8 && mcuWidth <= 32 && mcuHeight >= 8 && mcuHeight <= 32;
  if (!sane || headerStart < 2 || headerEnd <= headerStart) badIndex(file, sample, "has an impossible header");
  const mcusPerRow = Math.ceil(width / mcuWidth);
  if (mcusPerSegment === 0 || mcusPerRow % mcusPerSegment !== 0)
    badIndex(file, sample, "has segments that do not divide a row");
  index.segmentsPerRow = mcusPerRow / mcusPerSegment;
  index.rows = Math.ceil(height / mcuHeight);
  index.count = index.segmentsPerRow * index.rows;
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) + u16(bytes, at + 2) * 65536;
}

function badIndex(file: string, sample: number, problem: string): never {
  throw new CorruptShardError({
    file,
    sample,
    problem: `the index of the segments of its JPEG ${problem}`,
    fix: "repeat the conversion",
  });
}
