import { BTREE1_TYPES } from "../metadata/btree1.js";
import { pack, UNDEFINED_ADDRESS } from "./pack.js";

/** Children of a full node: twice the K of trees of chunks that holds where the superblock names none (HDF5_BTREE_CHUNK_IK_DEF). */
const MAX_CHILDREN = 64;
const NODE_HEAD_BYTES = 24;

/** The chunks of a dataset, one for each row, in order. */
export interface RowChunks {
  readonly addresses: readonly number[];
  /** Bytes of each as it lies in the file. */
  readonly bytes: readonly number[];
}

interface Child {
  readonly address: number;
  /** Number of its first row. */
  readonly row: number;
  /** Bytes of its first chunk. */
  readonly bytes: number;
}

/**
 * A version 1 B-tree of chunks of one row, laid out as `walkBtree1` says and begun at `start`. Returns its bytes and
 * the address of its root. `rank` is that of the dataset.
 */
export function encodeChunkTree(
  { addresses, bytes }: RowChunks,
  rank: number,
  start: number,
): { bytes: Buffer; root: number } {
  const rows = addresses.length;
  const nodes: Buffer[] = [];
  let children = addresses.map((address, row): Child => ({ address, row, bytes: bytes[row] as number }));
  for (let level = 0; ; level++) {
    const count = Math.ceil(children.length / MAX_CHILDREN);
    const nodeBytes = NODE_HEAD_BYTES + 8 * MAX_CHILDREN + (MAX_CHILDREN + 1) * keyBytes(rank);
    const first = start + nodes.length * nodeBytes;
    const parents: Child[] = [];
    for (let i = 0; i < count; i++) {
      const own = children.slice(i * MAX_CHILDREN, (i + 1) * MAX_CHILDREN);
      const next = children[(i + 1) * MAX_CHILDREN];
      const address = first + i * nodeBytes;
      const siblings = { left: i > 0 ? address - nodeBytes : undefined, right: next && address + nodeBytes };
      nodes.push(encodeNode({ level, rank, children: own, end: next?.row ?? rows, siblings, nodeBytes }));
      parents.push({ ...(own[0] as Child), address });
    }
    if (count <= 1) return { bytes: Buffer.concat(nodes), root: first };
    children = parents;
  }
}

/** Bytes 4, filter mask 4, the first element's place 8 for each dimension and one more. */
function keyBytes(rank: number): number {
  return 16 + 8 * rank;
}

interface Node {
  readonly level: number;
  readonly rank: number;
  readonly children: readonly Child[];
  /** The row behind its last one. */
  readonly end: number;
  readonly siblings: { readonly left: number | undefined; readonly right: number | undefined };
  readonly nodeBytes: number;
}

function encodeNode({ level, rank, children, end, siblings, nodeBytes }: Node): Buffer {
  const node = Buffer.alloc(nodeBytes);
  const { left = UNDEFINED_ADDRESS, right = UNDEFINED_ADDRESS } = siblings;
  pack("TREE", [1, BTREE1_TYPES.chunks], [1, level], [2, children.length], [8, left], [8, right]).copy(node);
  let at = NODE_HEAD_BYTES;
  for (const { address, row, bytes } of children) {
    node.writeUInt32LE(bytes, at);
    node.writeBigUInt64LE(BigInt(row), at + 8);
    at += keyBytes(rank);
    node.writeBigUInt64LE(BigInt(address), at);
    at += 8;
  }
  node.writeBigUInt64LE(BigInt(end), at + 8);
  return node;
}
