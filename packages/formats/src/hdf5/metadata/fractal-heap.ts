import { BTREE2_TYPES, walkBtree2 } from "./btree2.js";
import { Cursor } from "./cursor.js";
import { lookup3 } from "./lookup3.js";
import type { MetadataFile } from "./metadata-file.js";

/** Kinds of objects, bits 4 and 5 of the first byte of a heap ID. */
const MANAGED = 0;
const HUGE = 1;
const TINY = 2;
/** Bit 1 of the header's flags: direct blocks have checksums. */
const CHECKED_BLOCKS = 2;

interface HeapShape {
  readonly metadata: MetadataFile;
  readonly offsetWidth: number;
  readonly lengthWidth: number;
  readonly hugeTree: number | undefined;
  readonly tableWidth: number;
  readonly startBytes: number;
  readonly maxDirectBytes: number;
  readonly root: number | undefined;
  /** Rows of the root indirect block; 0 if the root is a direct block. */
  readonly rootRows: number;
  /** Bytes of a block's signature, version, heap address and offset. */
  readonly blockHeaderBytes: number;
  /** Direct blocks carry a checksum after their header. */
  readonly checked: boolean;
}

/**
 * A fractal heap: where a group with many links, and an object with many attributes, keeps them.
 *
 * ```text
 * 0  FRHP                          4        managed bytes, allocated, iterator, objects    L each
 * 4  version                       1        huge bytes, objects; tiny bytes, objects       L each
 * 5  bytes of a heap ID            2        table width                                    2
 * 7  bytes of the filters          2        bytes of the first block                       L
 * 9  flags                         1        bytes of the largest direct block              L
 * 10 largest managed object        4        log2 of the largest heap                       2
 *    next huge ID                  L        rows of the first table                        2
 *    tree of huge objects          O        root                                           O
 *    free bytes                    L        rows of the root                               2
 *    free space manager            O        checksum                                       4
 * ```
 *
 * Source: HDF5 file format specification 3.0, section III.G.
 */
export class FractalHeap {
  readonly #blocks = new Map<number, Cursor>();

  constructor(readonly shape: HeapShape) {}

  /** The object that a heap ID names. */
  object(id: Cursor): Cursor {
    const kind = id.u8();
    switch ((kind >> 4) & 3) {
      case MANAGED: {
        const offset = id.uint(this.shape.offsetWidth);
        return this.#managed(offset, id.uint(this.shape.lengthWidth), id);
      }
      case TINY:
        return id.sub((kind & 0x0f) + 1);
      case HUGE:
        return this.#huge(id.uint(Math.min(id.left, 8)), id);
      default:
        return id.fail("a heap ID of an unknown kind");
    }
  }

  #huge(key: number, id: Cursor): Cursor {
    const { metadata, hugeTree } = this.shape;
    if (hugeTree === undefined) id.fail("there are no huge objects");
    for (const record of walkBtree2(metadata, hugeTree, BTREE2_TYPES.hugeObject)) {
      const address = record.address() ?? record.fail("a huge object without an address");
      const bytes = record.length();
      if (record.length() === key) return metadata.block(address, bytes, "a huge object");
    }
    return id.fail("no huge object has this ID", undefined, `${key}`);
  }

  /** An object in a direct block. Offsets count in the address space of the heap, headers of blocks included. */
  #managed(offset: number, length: number, id: Cursor): Cursor {
    const { metadata, rootRows, startBytes, root } = this.shape;
    if (root === undefined) id.fail("the heap is empty");
    let block = { address: root, bytes: startBytes };
    let within = offset;
    let rows = rootRows;
    while (rows > 0) ({ block, rows, within } = this.#child(block.address, rows, within, id));
    const direct = this.#direct(block.address, block.bytes);
    if (within + length > block.bytes) id.fail("an object ends outside of its block");
    return new Cursor(direct.bytes.subarray(within, within + length), direct.position + within, metadata);
  }

  /** A direct block; its checksum counts itself as zeros. */
  #direct(address: number, bytes: number): Cursor {
    const known = this.#blocks.get(address);
    if (known !== undefined) return known;
    const { metadata, blockHeaderBytes, checked } = this.shape;
    const block = metadata.block(address, bytes, "a direct block");
    block.signature("FHDB");
    block.skip(blockHeaderBytes - 4);
    if (checked) {
      const stored = block.u32();
      const copy = Buffer.from(block.bytes);
      copy.writeUInt32LE(0, blockHeaderBytes);
      if (lookup3(copy) !== stored) block.fail("the checksum of a direct block is wrong");
    }
    this.#blocks.set(address, block);
    return block;
  }

  /** The child of an indirect block that holds `offset`. */
  #child(
    address: number,
    rows: number,
    offset: number,
    id: Cursor,
  ): { block: { address: number; bytes: number }; rows: number; within: number } {
    const { metadata, tableWidth, startBytes, maxDirectBytes, blockHeaderBytes } = this.shape;
    const { offsetBytes } = metadata;
    const firstRow = tableWidth * startBytes;
    const row = offset < firstRow ? 0 : Math.floor(Math.log2(offset / firstRow)) + 1;
    if (row >= rows) id.fail("an object lies outside of its heap");
    const bytes = row === 0 ? startBytes : startBytes * 2 ** (row - 1);
    const rowStart = row === 0 ? 0 : firstRow * 2 ** (row - 1);
    const column = Math.floor((offset - rowStart) / bytes);
    const directRows = Math.min(rows, Math.log2(maxDirectBytes / startBytes) + 2);
    const indirectBytes = blockHeaderBytes + offsetBytes * rows * tableWidth + 4;
    const table = metadata.checkedBlock(address, indirectBytes, "an indirect block");
    table.signature("FHIB");
    table.skip(blockHeaderBytes - 4 + offsetBytes * (row * tableWidth + column));
    const child = table.address() ?? table.fail("a block of a heap is missing");
    const childRows = row < directRows ? 0 : Math.log2(bytes / firstRow) + 1;
    return { block: { address: child, bytes }, rows: childRows, within: offset - rowStart - column * bytes };
  }
}

/** Reads the header of the fractal heap at `address`. */
export function openFractalHeap(metadata: MetadataFile, address: number): FractalHeap {
  const { offsetBytes, lengthBytes } = metadata;
  const head = metadata.checkedBlock(address, 26 + 3 * offsetBytes + 12 * lengthBytes, "a fractal heap");
  head.signature("FRHP");
  head.version(0);
  head.skip(2);
  if (head.u16() !== 0) head.fail("a fractal heap with filters");
  const checked = (head.u8() & CHECKED_BLOCKS) !== 0;
  const maxManaged = head.u32();
  head.length();
  const hugeTree = head.address();
  head.skip(lengthBytes + offsetBytes + 8 * lengthBytes);
  const tableWidth = head.u16();
  const startBytes = head.length();
  const maxDirectBytes = head.length();
  const maxHeapBits = head.u16();
  head.skip(2);
  const root = head.address();
  const rootRows = head.u16();
  if (!isPowerOfTwo(tableWidth) || !isPowerOfTwo(startBytes) || !isPowerOfTwo(maxDirectBytes))
    head.fail("a fractal heap of impossible shape");
  if (maxHeapBits > 64 || rootRows > 64 || maxDirectBytes < startBytes) head.fail("a fractal heap of impossible shape");
  const offsetWidth = Math.ceil(maxHeapBits / 8);
  const lengthWidth = Math.min(widthOf(maxDirectBytes), widthOf(maxManaged));
  const blockHeaderBytes = 5 + offsetBytes + offsetWidth;
  return new FractalHeap({
    metadata,
    offsetWidth,
    lengthWidth,
    hugeTree,
    tableWidth,
    startBytes,
    maxDirectBytes,
    root,
    rootRows,
    blockHeaderBytes,
    checked,
  });
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && value <= 2 ** 40 && Number.isInteger(Math.log2(value));
}

/** Bytes that hold numbers up to `limit`. */
function widthOf(limit: number): number {
  return Math.floor(Math.log2(Math.max(limit, 1)) / 8) + 1;
}
