import type { Cursor } from "./cursor.js";
import type { MetadataFile } from "./metadata-file.js";

/**
 * What is done with each entry of a chunk index that has an address.
 *
 * @param number the entry's number in the index, from 0
 * @param bytes in the file; `undefined` where they are those of the chunk's elements
 * @param mask bit `i`: filter `i` was not applied
 */
export type VisitElement = (number: number, address: number, bytes: number | undefined, mask: number) => void;

/** The entries of a chunk index. */
export interface ArrayElements {
  /** Bytes of an entry. */
  readonly elementBytes: number;
  /** The chunks have filters. */
  readonly filtered: boolean;
}

/**
 * Visits the entries of the fixed array at `address`, the index of chunks of datasets that cannot grow. Pages that were
 * never written are passed over.
 *
 * ```text
 * header                        data block                        page
 *  0  FAHD             4         0  FADB            4              elements
 *  4  version          1         4  version         1              checksum   4
 *  5  client           1         5  client          1
 *  6  bytes of element 1         6  header          O
 *  7  log2 of a page   1         with more elements than a page:  an element
 *  8  elements         L            bitmap of pages                address   O
 *     data block       O            checksum        4              with filters:
 *     checksum         4            pages                          bytes     the rest
 *                               else:                              mask      4
 *                                   elements
 *                                   checksum        4
 * ```
 *
 * Source: HDF5 file format specification 3.0, section VII.B.
 */
export function walkFixedArray(metadata: MetadataFile, address: number, filtered: boolean, visit: VisitElement): void {
  const { offsetBytes, lengthBytes } = metadata;
  const head = metadata.checkedBlock(address, 12 + lengthBytes + offsetBytes, "a fixed array");
  head.signature("FAHD");
  head.version(0);
  head.skip(1);
  const elementBytes = head.u8();
  const pageBits = head.u8();
  const count = head.length();
  const block = head.address();
  if (block === undefined) return;
  if (elementBytes < offsetBytes + (filtered ? 5 : 0)) head.fail("a fixed array of too small elements");
  const pageElements = 2 ** pageBits;
  if (count * elementBytes > metadata.end) head.fail("a fixed array is larger than the file");
  const shape = { elementBytes, filtered };
  const headBytes = 6 + offsetBytes;
  const signature = metadata.block(block, headBytes, "a block of a fixed array");
  signature.signature("FADB");
  if (count <= pageElements) {
    const bytes = headBytes + count * elementBytes + 4;
    const whole = metadata.checkedBlock(block, bytes, "a block of a fixed array");
    whole.skip(headBytes);
    visitElements(whole, shape, 0, count, visit);
    return;
  }
  const pages = Math.ceil(count / pageElements);
  const bitmapBytes = Math.ceil(pages / 8);
  const bitmap = metadata.checkedBlock(block, headBytes + bitmapBytes + 4, "a block of a fixed array");
  bitmap.skip(headBytes);
  const written = bitmap.take(bitmapBytes);
  let next = block + headBytes + bitmapBytes + 4;
  for (let page = 0; page < pages; page++) {
    const elements = Math.min(pageElements, count - page * pageElements);
    const bytes = elements * elementBytes + 4;
    const known = ((written[page >> 3] as number) & (0x80 >> (page & 7))) !== 0;
    if (known) {
      const body = metadata.checkedBlock(next, bytes, "a page of a fixed array");
      visitElements(body, shape, page * pageElements, elements, visit);
    }
    next += pageElements * elementBytes + 4;
  }
}

/**
 * Visits the next `count` entries of a block, which are numbered from `first` on. An entry: address O, and with filters
 * the bytes in the file and the mask 4.
 */
export function visitElements(
  block: Cursor,
  { elementBytes, filtered }: ArrayElements,
  first: number,
  count: number,
  visit: VisitElement,
): void {
  const sizeBytes = elementBytes - block.dialect.offsetBytes - 4;
  for (let i = 0, at = block.at; i < count; i++, at += elementBytes) {
    block.at = at;
    const address = block.address();
    if (address === undefined) continue;
    const bytes = filtered ? block.uint(sizeBytes) : undefined;
    visit(first + i, address, bytes, filtered ? block.u32() : 0);
  }
}
