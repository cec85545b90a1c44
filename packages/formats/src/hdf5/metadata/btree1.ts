import type { Cursor } from "./cursor.js";
import type { MetadataFile } from "./metadata-file.js";

/** What the leaves of a version 1 tree point to. */
export const BTREE1_TYPES = { group: 0, chunks: 1 } as const;

/** Children of a full node of a tree of chunks, where the file does not say otherwise; so much is read at once. */
const USUAL_CHILDREN = 64;

/** What is done with each child of the leaves. `key`: a cursor at the key before it, of which it may read all. */
export type VisitChild = (key: Cursor, child: number) => void;

/**
 * Walks a version 1 B-tree in the order of its keys and visits each child of its leaves.
 *
 * ```text
 * 0  TREE             4
 * 4  type             1
 * 5  level            1   0: a leaf
 * 6  children (n)     2
 * 8  left, right      O each
 *    key, child       n times, then one more key
 * ```
 *
 * Source: HDF5 file format specification 3.0, section III.A.1.
 */
export function walkBtree1(
  metadata: MetadataFile,
  root: number,
  type: number,
  keyBytes: number,
  visit: VisitChild,
): void {
  const pending: { address: number; level: number | undefined }[] = [{ address: root, level: undefined }];
  const entryBytes = keyBytes + metadata.offsetBytes;
  const memory = Buffer.allocUnsafeSlow(8 + 2 * metadata.offsetBytes + USUAL_CHILDREN * entryBytes);
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { node, level, children } = readNode(metadata, next.address, { type, keyBytes, memory });
    if (next.level !== undefined && level !== next.level) node.fail("a B-tree node of the wrong level");
    const first = node.at;
    for (let i = 0; i < children; i++) {
      // Those of an inner node are taken from the last to the first, so that the first is the next to be walked.
      const at = first + (level === 0 ? i : children - 1 - i) * entryBytes;
      node.at = at + keyBytes;
      const child = node.address() ?? node.fail("a B-tree node without a child");
      node.at = at;
      if (level === 0) visit(node, child);
      else pending.push({ address: child, level: level - 1 });
    }
  }
}

interface NodeKind {
  readonly type: number;
  readonly keyBytes: number;
  /** Room for a usual node. */
  readonly memory: Buffer;
}

/** A node, with the cursor at its first key. Reads as much as a node usually has, and more where it has more. */
function readNode(
  metadata: MetadataFile,
  address: number,
  { type, keyBytes, memory }: NodeKind,
): { node: Cursor; level: number; children: number } {
  const headBytes = 8 + 2 * metadata.offsetBytes;
  const length = Math.max(headBytes, Math.min(memory.length, metadata.end - address));
  const node = metadata.block(address, length, "a B-tree node", memory);
  node.signature("TREE");
  if (node.u8() !== type) node.fail("a B-tree node of the wrong type");
  const level = node.u8();
  const children = node.u16();
  const bytes = headBytes + children * (keyBytes + metadata.offsetBytes);
  const whole = bytes > length ? metadata.block(address, bytes, "a B-tree node") : node;
  whole.at = headBytes;
  return { node: whole, level, children };
}
