import { CorruptShardError, OptionError } from "../errors.js";
import type { JpegSegments } from "./segments.js";

/** A box of pixels of a stored image; whole numbers. */
export interface JpegBox {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Which part of a seekable JPEG holds a box, and what the small JPEG of that part is like. One object can take one plan
 * after the other, see {@link planJpegCrop}.
 */
export class JpegCrop {
  /** First and last row and column of segments that the box, grown by a pixel, touches. */
  firstRow = 0;
  lastRow = 0;
  firstColumn = 0;
  lastColumn = 0;
  /** Bytes of the record that the header takes. */
  headerStart = 0;
  headerEnd = 0;
  /** Bytes of the record that hold the rows of segments; not before `headerEnd`. */
  dataStart = 0;
  dataEnd = 0;
  /** Bytes of the small JPEG. */
  byteLength = 0;
  /** Pixels of the small JPEG. */
  width = 0;
  height = 0;
  /** Where the box begins in it; the box's size stays. */
  left = 0;
  top = 0;
}

/** A JFIF segment of version 1.1 without density and thumbnail: all that a decoder takes from one is that it is there. */
const JFIF = Uint8Array.of(0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0);

/**
 * Plans the decoding of a box: which bytes of the record are needed, and what {@link assembleJpegCrop} will make of
 * them. The box is grown by one pixel on each side first, as decoders mix each chroma sample with its neighbours; so its
 * pixels in the small JPEG are exactly those in the whole one. Allocates nothing.
 * @param recordBytes length of the JPEG
 * @throws {@link OptionError} if the box does not lie in the image; {@link CorruptShardError} if the segments do not lie
 * in the record.
 */
export function planJpegCrop(segments: JpegSegments, box: JpegBox, recordBytes: number, into: JpegCrop): void {
  const { left, top, width, height } = box;
  const right = left + width;
  const bottom = top + height;
  if (!isInside(left, right, segments.width) || !isInside(top, bottom, segments.height)) badBox(segments, box);
  const { starts, segmentsPerRow, count } = segments;
  if (starts[count] !== recordBytes) notThis(segments, "does not end with its record", starts[count], recordBytes);
  const segmentWidth = segments.mcuWidth * segments.mcusPerSegment;
  const segmentHeight = segments.mcuHeight;
  const firstColumn = Math.floor(Math.max(left - 1, 0) / segmentWidth);
  const lastColumn = Math.floor(Math.min(right, segments.width - 1) / segmentWidth);
  const firstRow = Math.floor(Math.max(top - 1, 0) / segmentHeight);
  const lastRow = Math.floor(Math.min(bottom, segments.height - 1) / segmentHeight);
  into.firstColumn = firstColumn;
  into.lastColumn = lastColumn;
  into.firstRow = firstRow;
  into.lastRow = lastRow;
  into.headerStart = segments.headerStart;
  into.headerEnd = segments.headerEnd;
  const first = firstRow * segmentsPerRow + firstColumn;
  // With the marker before it, which proves that a segment begins here.
  into.dataStart = (starts[first] as number) - (first > 0 ? 2 : 0);
  into.dataEnd = starts[lastRow * segmentsPerRow + lastColumn + 1] as number;
  into.left = left - firstColumn * segmentWidth;
  into.top = top - firstRow * segmentHeight;
  into.width = Math.min((lastColumn + 1) * segmentWidth, segments.width) - firstColumn * segmentWidth;
  into.height = Math.min((lastRow + 1) * segmentHeight, segments.height) - firstRow * segmentHeight;
  let byteLength = 2 + (segments.hasJfif ? JFIF.length : 0) + into.headerEnd - into.headerStart;
  for (let row = firstRow, at = row * segmentsPerRow; row <= lastRow; row++, at += segmentsPerRow)
    byteLength += (starts[at + lastColumn + 1] as number) - (starts[at + firstColumn] as number);
  into.byteLength = byteLength;
}

function isInside(from: number, to: number, size: number): boolean {
  return Number.isInteger(from) && Number.isInteger(to) && from >= 0 && to > from && to <= size;
}

/**
 * Writes the small JPEG of a plan: the header with the new size, and of each row the segments that the box touches,
 * their restart markers numbered anew. Any JPEG decoder decodes it. Where `bytes` and `into` are one and the same
 * object, it allocates nothing, and the parts must not overlap; else a small view for each row. Either may lie in shared
 * memory, but there the engine copies byte by byte, which takes about ten times as long: keep them in private memory.
 * @param bytes holds bytes `headerStart` to `headerEnd` of the record from `headerAt` on, and `dataStart` to `dataEnd`
 * from `dataAt` on; with the whole record at `r`, these are `r + crop.headerStart` and `r + crop.dataStart`
 * @param into takes {@link JpegCrop.byteLength} bytes from `intoAt` on
 * @returns the bytes written: `crop.byteLength`
 * @throws {@link CorruptShardError} if header or markers are not where the index says; {@link OptionError} if there is
 * too little room.
 */
export function assembleJpegCrop(
  segments: JpegSegments,
  crop: JpegCrop,
  bytes: Uint8Array,
  headerAt: number,
  dataAt: number,
  into: Uint8Array,
  intoAt: number,
): number {
  const headerBytes = crop.headerEnd - crop.headerStart;
  if (intoAt + crop.byteLength > into.length) noRoom("into", intoAt + crop.byteLength, into.length);
  const least = Math.max(headerAt + headerBytes, dataAt + crop.dataEnd - crop.dataStart);
  if (least > bytes.length) noRoom("bytes", least, bytes.length);
  into[intoAt] = 0xff;
  into[intoAt + 1] = 0xd8;
  let at = intoAt + 2;
  if (segments.hasJfif) {
    into.set(JFIF, at);
    at += JFIF.length;
  }
  copy(bytes, headerAt, headerBytes, into, at);
  patchHeader(segments, crop, into, at);
  const end = copyRows(segments, crop, bytes, dataAt, into, at + headerBytes);
  into[end - 1] = 0xd9;
  return end - intoAt;
}

/** Copies the segments of each row and numbers their markers, which it checks first. */
function copyRows(
  { starts, segmentsPerRow, count, file, sample }: JpegSegments,
  crop: JpegCrop,
  bytes: Uint8Array,
  dataAt: number,
  into: Uint8Array,
  intoAt: number,
): number {
  let at = intoAt;
  let restarts = 0;
  for (let row = crop.firstRow; row <= crop.lastRow; row++) {
    const first = row * segmentsPerRow + crop.firstColumn;
    const last = row * segmentsPerRow + crop.lastColumn;
    const start = starts[first] as number;
    const from = dataAt - crop.dataStart + start;
    if (first > 0 && (bytes[from - 2] !== 0xff || bytes[from - 1] !== 0xd0 + ((first - 1) & 7)))
      noMarker(file, sample, start - 2);
    const length = (starts[last + 1] as number) - start;
    copy(bytes, from, length, into, at);
    const shift = at - start;
    for (let i = first; i <= last; i++) {
      const end = (starts[i + 1] as number) + shift;
      const marker = i + 1 === count ? 0xd9 : 0xd0 + (i & 7);
      if (into[end - 2] !== 0xff || into[end - 1] !== marker) noMarker(file, sample, end - 2 - shift);
      into[end - 1] = 0xd0 + (restarts++ & 7);
    }
    at += length;
  }
  return at;
}

function copy(from: Uint8Array, fromAt: number, length: number, into: Uint8Array, intoAt: number): void {
  if (from === into) into.copyWithin(intoAt, fromAt, fromAt + length);
  else into.set(from.subarray(fromAt, fromAt + length), intoAt);
}

/** Walks over the segments of a header, compares them with the index, and writes the crop's size into the frame's. */
function patchHeader(segments: JpegSegments, crop: JpegCrop, bytes: Uint8Array, start: number): void {
  const end = start + crop.headerEnd - crop.headerStart;
  let isFramed = false;
  let interval = 0;
  for (let at = start; at + 4 <= end;) {
    const marker = bytes[at + 1] as number;
    const next = at + 2 + u16(bytes, at + 2);
    if (bytes[at] !== 0xff || next > end) break;
    if (marker === 0xc0 || marker === 0xc1) {
      isFramed = isFrameOf(segments, bytes, at, next);
      bytes[at + 5] = crop.height >> 8;
      bytes[at + 6] = crop.height & 255;
      bytes[at + 7] = crop.width >> 8;
      bytes[at + 8] = crop.width & 255;
    } else if (marker === 0xdd) interval = u16(bytes, at + 4);
    else if (marker === 0xda) {
      if (next === end && isFramed && interval === segments.mcusPerSegment) return;
      break;
    }
    at = next;
  }
  notThis(segments, "is not that of the JPEG's header");
}

/** Whether a frame header has the size and the MCUs of the index. */
function isFrameOf(segments: JpegSegments, bytes: Uint8Array, at: number, end: number): boolean {
  let [h, v] = [1, 1];
  const isSingle = bytes[at + 9] === 1;
  for (let i = isSingle ? end : at + 11; i < end; i += 3) {
    h = Math.max(h, (bytes[i] as number) >> 4);
    v = Math.max(v, (bytes[i] as number) & 15);
  }
  const isSize = u16(bytes, at + 5) === segments.height && u16(bytes, at + 7) === segments.width;
  return isSize && 8 * h === segments.mcuWidth && 8 * v === segments.mcuHeight;
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) * 256 + (bytes[at + 1] as number);
}

function badBox({ file, sample, width, height }: JpegSegments, box: JpegBox): never {
  throw new OptionError({
    file,
    sample,
    option: "box",
    problem: "does not lie in the image",
    expected: `whole numbers, and ${width} x ${height} pixels at most`,
    found: `${box.width} x ${box.height} from column ${box.left}, row ${box.top}`,
  });
}

function noRoom(option: string, expected: number, found: number): never {
  throw new OptionError({ option, problem: "is too short", expected: `${expected} bytes`, found: `${found}` });
}

function notThis({ file, sample }: JpegSegments, problem: string, found?: number, expected?: number): never {
  throw new CorruptShardError({
    file,
    sample,
    problem: `the index of the segments of its JPEG ${problem}`,
    expected: expected === undefined ? undefined : `${expected} bytes`,
    found: found === undefined ? undefined : `${found}`,
    fix: "repeat the conversion",
  });
}

function noMarker(file: string, sample: number, byte: number): never {
  throw new CorruptShardError({
    file,
    sample,
    problem: `has no restart marker at byte ${byte} of its JPEG, where its index says`,
    fix: "repeat the conversion",
  });
}
