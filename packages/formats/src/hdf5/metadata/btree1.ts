import type { Cursor } from "./cursor.js";
import type { MetadataFile } from "./metadata-file.js";

/** What the leaves of a version 1 tree point to. */
export const BTREE1_TYPES = { group: 0, chunks: 1 } as const;

/**
 * Walks a version 1 B-tree in the order of its keys and hands out each child of its leaves, with the key before it.
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
export function* walkBtree1(
  metadata: MetadataFile,
  root: number,
  type: number,
  keyBytes: number,
): Generator<{ key: Cursor; child: number }> {
  const pending: { address: number; level: number | undefined }[] = [{ address: root, level: undefined }];
  const { offsetBytes } = metadata;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const head = metadata.block(next.address, 8 + 2 * offsetBytes, "a B-tree node");
    head.signature("TREE");
    if (head.u8() !== type) head.fail("a B-tree node of the wrong type");
    const level = head.u8();
    if (next.level !== undefined && level !== next.level) head.fail("a B-tree node of the wrong level");
    const children = head.u16();
    const bytes = children * (keyBytes + offsetBytes);
    const body = metadata.block(next.address + 8 + 2 * offsetBytes, bytes, "a B-tree node");
    const entries = Array.from({ length: children }, () => {
      const key = body.sub(keyBytes);
      return { key, child: body.address() ?? body.fail("a B-tree node without a child") };
    });
    if (level === 0) yield* entries;
    else for (const entry of entries.toReversed()) pending.push({ address: entry.child, level: level - 1 });
  }
}
