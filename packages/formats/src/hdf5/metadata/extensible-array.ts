import type { Cursor } from "./cursor.js";
import { visitElements, type ArrayElements, type VisitElement } from "./fixed-array.js";
import type { MetadataFile } from "./metadata-file.js";

/** Bytes of a block's signature, version and client. */
const PREFIX_BYTES = 6;

interface ArrayShape extends ArrayElements {
  readonly address: number;
  readonly pageElements: number;
  /** Bytes of the offset in the head of super blocks and data blocks. */
  readonly offsetWidth: number;
}

interface DataBlock {
  readonly address: number | undefined;
  /** Number of its first element. */
  readonly first: number;
  readonly elements: number;
  /** A bit for each page of all blocks of its super block, most significant first: it was written. */
  readonly written: Buffer | undefined;
  /** Which of the bits is that of its first page. */
  readonly firstPage: number;
}

/**
 * Visits the entries of the extensible array at `address`, the index of chunks of datasets that can grow along one
 * dimension, as far as entries were set. Blocks and pages that were never written are passed over, so this takes as long
 * as reading those that were.
 *
 * ```text
 * header                                  index block                 data block
 *  0  EAHD                         4       EAIB, version, client 6     EADB, version, client   6
 *  4  version, client              2       header                O     header                  O
 *  6  bytes of an element          1       first elements              offset                  width
 *  7  log2 of the largest array    1       data blocks           O     elements, checksum 4;
 *  8  elements in the index block  1       super blocks          O     or checksum 4, then pages:
 *  9  smallest data block (m)      1       checksum              4     elements, checksum 4 each
 * 10  data blocks of the smallest
 *     super block (p)              1      super block
 * 11  log2 of a page               1       EASB, version, client 6     Super block u has 2^(u/2) data blocks
 * 12  statistics                   L * 6   header                O     of m * 2^((u+1)/2) elements. The data
 *     index block                  O       offset                      blocks of the first 2 log2(p) stand in
 *     checksum                     4       bitmaps of pages            the index block.
 *                                          data blocks           O
 *                                          checksum              4
 * ```
 *
 * Source: HDF5 file format specification 3.0, section VII.C; the sizes of blocks, from H5EAhdr.c.
 */
export function walkExtensibleArray(
  metadata: MetadataFile,
  address: number,
  filtered: boolean,
  visit: VisitElement,
): void {
  const { offsetBytes, lengthBytes } = metadata;
  const head = metadata.checkedBlock(address, 12 + 6 * lengthBytes + offsetBytes + 4, "an extensible array");
  head.signature("EAHD");
  head.version(0);
  head.skip(1);
  const elementBytes = head.u8();
  const arrayBits = head.u8();
  const indexElements = head.u8();
  const minElements = head.u8();
  const minBlocks = head.u8();
  const pageElements = 2 ** head.u8();
  head.skip(4 * lengthBytes);
  const count = head.length();
  head.skip(lengthBytes);
  const index = head.address();
  if (index === undefined) return;
  const powers = [minElements, minBlocks].every((value) => value > 0 && Number.isInteger(Math.log2(value)));
  if (!powers || arrayBits > 64 || elementBytes < offsetBytes + (filtered ? 5 : 0))
    head.fail("an extensible array of impossible shape");
  const shape = { address, filtered, elementBytes, pageElements, offsetWidth: Math.ceil(arrayBits / 8) };
  const superBlocks = 1 + arrayBits - Math.log2(minElements);
  const inIndex = 2 * Math.log2(minBlocks);
  const blockCount = 2 * (minBlocks - 1);
  const pointers = blockCount + Math.max(superBlocks - inIndex, 0);
  const bytes = PREFIX_BYTES + offsetBytes + indexElements * elementBytes + pointers * offsetBytes + 4;
  const block = openBlock(metadata, index, bytes, "EAIB", shape);
  visitElements(block, shape, 0, Math.min(indexElements, count), visit);
  block.at = PREFIX_BYTES + offsetBytes + indexElements * elementBytes;
  const blocks = dataBlocks(metadata, block, { first: indexElements, count, minElements, superBlocks, inIndex }, shape);
  for (const data of blocks) visitDataBlock(metadata, data, Math.min(count - data.first, data.elements), shape, visit);
}

interface DataBlocks {
  /** Number of the first element that is not in the index block. */
  readonly first: number;
  /** Elements of the array. */
  readonly count: number;
  readonly minElements: number;
  readonly superBlocks: number;
  /** Super blocks whose data blocks stand in the index block. */
  readonly inIndex: number;
}

/** The data blocks that were written, in order. */
function* dataBlocks(
  metadata: MetadataFile,
  index: Cursor,
  { first, count, minElements, superBlocks, inIndex }: DataBlocks,
  shape: ArrayShape,
): Generator<DataBlock> {
  let next = first;
  for (let number = 0; number < superBlocks && next < count; number++) {
    const blocks = 2 ** Math.floor(number / 2);
    const elements = minElements * 2 ** Math.floor((number + 1) / 2);
    if (number < inIndex) {
      for (let i = 0; i < blocks && next + i * elements < count; i++)
        yield { address: index.address(), first: next + i * elements, elements, written: undefined, firstPage: 0 };
    } else {
      const address = index.address();
      if (address !== undefined)
        yield* readSuperBlock(metadata, address, { first: next, count, blocks, elements, shape });
    }
    next += blocks * elements;
  }
}

function openBlock(metadata: MetadataFile, address: number, bytes: number, letters: string, shape: ArrayShape): Cursor {
  const block = metadata.checkedBlock(address, bytes, "a block of an extensible array");
  block.signature(letters);
  block.version(0);
  block.skip(1);
  if (block.address() !== shape.address) block.fail("a block of another extensible array");
  return block;
}

interface SuperBlock {
  /** Number of its first element. */
  readonly first: number;
  /** Elements of the array. */
  readonly count: number;
  readonly blocks: number;
  /** Elements of each block. */
  readonly elements: number;
  readonly shape: ArrayShape;
}

function* readSuperBlock(
  metadata: MetadataFile,
  address: number,
  { first, count, blocks, elements, shape }: SuperBlock,
): Generator<DataBlock> {
  const { offsetBytes } = metadata;
  const pages = elements > shape.pageElements ? elements / shape.pageElements : 0;
  // There is room for whole bytes of every block, but the bits follow one another without gaps (H5EA__lookup_elmt).
  const bitmapBytes = Math.ceil(pages / 8);
  const bytes = PREFIX_BYTES + offsetBytes + shape.offsetWidth + blocks * (bitmapBytes + offsetBytes) + 4;
  const block = openBlock(metadata, address, bytes, "EASB", shape);
  block.skip(shape.offsetWidth);
  const written = block.take(blocks * bitmapBytes);
  for (let i = 0; i < blocks && first + i * elements < count; i++)
    yield { address: block.address(), first: first + i * elements, elements, written, firstPage: i * pages };
}

function visitDataBlock(
  metadata: MetadataFile,
  { address, first, elements, written, firstPage }: DataBlock,
  wanted: number,
  shape: ArrayShape,
  visit: VisitElement,
): void {
  if (address === undefined) return;
  const { elementBytes, pageElements } = shape;
  const headBytes = PREFIX_BYTES + metadata.offsetBytes + shape.offsetWidth;
  if (elements <= pageElements) {
    const block = openBlock(metadata, address, headBytes + elements * elementBytes + 4, "EADB", shape);
    block.skip(shape.offsetWidth);
    visitElements(block, shape, first, wanted, visit);
    return;
  }
  const pageBytes = pageElements * elementBytes + 4;
  for (let i = 0; i < wanted; i += pageElements) {
    const page = i / pageElements;
    // Pages without a bit were never written, and pages of a block in the index block have no bits.
    const bit = firstPage + page;
    if (written !== undefined && ((written[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) === 0) continue;
    const place = address + headBytes + 4 + page * pageBytes;
    const body = metadata.checkedBlock(place, pageBytes, "a page of an extensible array");
    visitElements(body, shape, first + i, Math.min(pageElements, wanted - i), visit);
  }
}
