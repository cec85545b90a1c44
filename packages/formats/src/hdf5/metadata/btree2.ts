import type { Cursor } from "./cursor.js";
import type { MetadataFile } from "./metadata-file.js";

/** Numbers of the record types that are read here. Source: specification 3.0, section III.A.2. */
export const BTREE2_TYPES = { hugeObject: 1, linkName: 5, attributeName: 8, chunk: 10, filteredChunk: 11 } as const;

/** Bytes of a node beside its records and pointers: signature 4, version 1, type 1, checksum 4. */
const NODE_OVERHEAD = 10;

interface Shape {
  readonly nodeBytes: number;
  readonly recordBytes: number;
  readonly type: number;
  /** Bytes of the number of records of a child. */
  readonly countBytes: number;
  /** Bytes of the number of records below a child, by the level of the parent. */
  readonly totalBytes: readonly number[];
}

/**
 * Walks a version 2 B-tree and hands out its records, in no particular order.
 *
 * ```text
 * header                          node
 *  0  BTHD                  4      0  BTLF or BTIN          4
 *  4  version               1      4  version, type         2
 *  5  type                  1      6  records
 *  6  bytes of a node       4         in BTIN, records + 1 times:
 * 10  bytes of a record     2         child                 O
 * 12  depth                 2         its records           width of the largest leaf
 * 14  split, merge          2         records below it      from level 2 on
 *     root                  O         checksum              4
 *     records of the root   2
 *     records in all        L
 *     checksum              4
 * ```
 *
 * Source: HDF5 file format specification 3.0, section III.A.2; the widths, from H5B2hdr.c.
 */
export function* walkBtree2(metadata: MetadataFile, address: number, ...types: readonly number[]): Generator<Cursor> {
  const { offsetBytes, lengthBytes } = metadata;
  const head = metadata.checkedBlock(address, 22 + offsetBytes + lengthBytes, "a B-tree header");
  head.signature("BTHD");
  head.version(0);
  const type = head.u8();
  if (!types.includes(type)) head.fail("a B-tree of the wrong type", types.join(" or "), `${type}`);
  const nodeBytes = head.u32();
  const recordBytes = head.u16();
  const depth = head.u16();
  head.skip(2);
  const root = head.address();
  const records = head.u16();
  if (root === undefined) return;
  if (recordBytes === 0 || nodeBytes < NODE_OVERHEAD + recordBytes) head.fail("a B-tree with nodes of impossible size");
  if (depth > 32) head.fail("a B-tree is too deep", "at most 32", `${depth}`);
  const shape = shapeOf(nodeBytes, recordBytes, type, depth, offsetBytes);
  const pending = [{ address: root, records, level: depth }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { node, children } = readNode(metadata, shape, next);
    pending.push(...children);
    for (let i = 0; i < next.records; i++) yield node.sub(recordBytes);
  }
}

interface NodePointer {
  readonly address: number;
  readonly records: number;
  readonly level: number;
}

/** A node, with the cursor at its first record, and its children. */
function readNode(
  metadata: MetadataFile,
  shape: Shape,
  pointer: NodePointer,
): { node: Cursor; children: NodePointer[] } {
  const { records, level } = pointer;
  const totalBytes = shape.totalBytes[level] ?? 0;
  const pointerBytes = metadata.offsetBytes + shape.countBytes + totalBytes;
  const recordsBytes = records * shape.recordBytes;
  const bytes = NODE_OVERHEAD + recordsBytes + (level === 0 ? 0 : (records + 1) * pointerBytes);
  const node = metadata.checkedBlock(pointer.address, bytes, "a B-tree node");
  node.signature(level === 0 ? "BTLF" : "BTIN");
  node.version(0);
  if (node.u8() !== shape.type) node.fail("a B-tree node of the wrong type");
  if (level === 0) return { node, children: [] };
  const first = node.at;
  node.skip(recordsBytes);
  const children = Array.from({ length: records + 1 }, () => {
    const address = node.address() ?? node.fail("a B-tree node without a child");
    const count = node.uint(shape.countBytes);
    node.skip(totalBytes);
    return { address, records: count, level: level - 1 };
  });
  node.at = first;
  return { node, children };
}

/** How wide the counts in the nodes are: as wide as the largest count that could stand there. */
function shapeOf(nodeBytes: number, recordBytes: number, type: number, depth: number, offsetBytes: number): Shape {
  const leafRecords = Math.floor((nodeBytes - NODE_OVERHEAD) / recordBytes);
  const countBytes = widthOf(leafRecords);
  const totalBytes = [0];
  let total = leafRecords;
  for (let level = 1; level <= depth; level++) {
    const below = level === 1 ? 0 : widthOf(total);
    totalBytes.push(below);
    const pointerBytes = offsetBytes + countBytes + below;
    const records = Math.floor((nodeBytes - NODE_OVERHEAD - pointerBytes) / (recordBytes + pointerBytes));
    total = (records + 1) * total + records;
  }
  return { nodeBytes, recordBytes, type, countBytes, totalBytes };
}

/** Bytes that hold numbers up to `limit`. */
function widthOf(limit: number): number {
  let bytes = 1;
  for (let rest = Math.floor(limit / 256); rest > 0; rest = Math.floor(rest / 256)) bytes++;
  return Math.min(bytes, 8);
}
