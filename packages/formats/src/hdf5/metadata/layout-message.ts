import type { Cursor } from "./cursor.js";

/** How chunks are found: the tree of version 1, or one of the indexes of version 4. */
export type ChunkIndexKind = "btree1" | "single" | "implicit" | "fixed-array" | "extensible-array" | "btree2";

/** All elements lie in one run. */
export interface ContiguousLayout {
  readonly kind: "contiguous";
  /** Byte of the file; `undefined` while nothing was written. */
  readonly position: number | undefined;
  readonly bytes: number;
}

/** Elements lie in chunks of equal shape. */
export interface ChunkedLayout {
  readonly kind: "chunked";
  readonly index: ChunkIndexKind;
  /** Address of the index, or of the only chunk; `undefined` while nothing was written. */
  readonly address: number | undefined;
  readonly chunkShape: readonly number[];
  /** Bytes of an element. */
  readonly elementBytes: number;
  /** Of the index `single` with filters: bytes of the chunk as it lies in the file, and its filter mask. */
  readonly single: { readonly bytes: number; readonly mask: number } | undefined;
  /** Version of the message. */
  readonly version: number;
}

/** Elements lie where this version does not read them. */
export interface OtherLayout {
  readonly kind: "other";
  /** What it is, for errors. */
  readonly name: string;
}

/** Where the elements of a dataset lie. */
export type DataLayout = ContiguousLayout | ChunkedLayout | OtherLayout;

const COMPACT = 0;
const CONTIGUOUS = 1;
const CHUNKED = 2;
const INDEXES: readonly ChunkIndexKind[] = ["single", "implicit", "fixed-array", "extensible-array", "btree2"];
/** Bytes of parameters of each index, in front of its address. */
const PARAMETER_BYTES: ReadonlyMap<ChunkIndexKind, number> = new Map([
  ["fixed-array", 1],
  ["extensible-array", 5],
  ["btree2", 6],
]);
/** Flag of version 4: the only chunk is filtered. */
const SINGLE_FILTERED = 2;

/**
 * Reads a data layout message of version 3, 4 or 5.
 *
 * ```text
 * 0  version   1
 * 1  class     1    0 compact, 1 contiguous, 2 chunked, 3 virtual
 *
 * compact           contiguous        chunked, version 3        chunked, version 4 and 5
 *  bytes    2        address   O       rank + 1       1          flags                   1
 *  data              bytes     L       address        O          rank + 1                1
 *                                      chunk shape    4 each     bytes of an extent      1
 *                                      element bytes  4          chunk shape, elem. bytes
 *                                                                index                   1
 *                                                                parameters, address     O
 * ```
 *
 * Source: HDF5 file format specification 3.0, section IV.A.2.i.
 */
export function readLayout(cursor: Cursor, base: number): DataLayout {
  const version = cursor.u8();
  if (version < 3 || version > 5) return { kind: "other", name: `a layout of version ${version}` };
  const kind = cursor.u8();
  if (kind === COMPACT) {
    const bytes = cursor.u16();
    const position = cursor.position + cursor.at;
    cursor.skip(bytes);
    return { kind: "contiguous", position, bytes };
  }
  if (kind === CONTIGUOUS) {
    const address = cursor.address();
    return { kind: "contiguous", position: address === undefined ? undefined : base + address, bytes: cursor.length() };
  }
  if (kind !== CHUNKED) return { kind: "other", name: kind === 3 ? "a virtual layout" : `layout class ${kind}` };
  return version === 3 ? readChunked3(cursor) : readChunked4(cursor, version);
}

function readChunked3(cursor: Cursor): ChunkedLayout {
  const rank = readRank(cursor);
  const address = cursor.address();
  const chunkShape = Array.from({ length: rank }, () => positive(cursor, cursor.u32()));
  const elementBytes = positive(cursor, cursor.u32());
  return { kind: "chunked", index: "btree1", address, chunkShape, elementBytes, single: undefined, version: 3 };
}

function readChunked4(cursor: Cursor, version: number): ChunkedLayout | OtherLayout {
  const flags = cursor.u8();
  const rank = readRank(cursor);
  const width = cursor.u8();
  if (width < 1 || width > 8) cursor.fail("extents of an impossible width", "1 to 8", `${width}`);
  const chunkShape = Array.from({ length: rank }, () => positive(cursor, cursor.uint(width)));
  const elementBytes = positive(cursor, cursor.uint(width));
  const number = cursor.u8();
  const index = INDEXES[number - 1];
  if (index === undefined) return { kind: "other", name: `chunk index ${number}` };
  const filtered = index === "single" && (flags & SINGLE_FILTERED) !== 0;
  const single = filtered ? { bytes: cursor.length(), mask: cursor.u32() } : undefined;
  cursor.skip(PARAMETER_BYTES.get(index) ?? 0);
  return { kind: "chunked", index, address: cursor.address(), chunkShape, elementBytes, single, version };
}

/** The message counts the bytes of an element as one more dimension. */
function readRank(cursor: Cursor): number {
  const dimensions = cursor.u8();
  return dimensions >= 2 && dimensions <= 33
    ? dimensions - 1
    : cursor.fail("an impossible rank", "2 to 33", `${dimensions}`);
}

function positive(cursor: Cursor, extent: number): number {
  return extent > 0 ? extent : cursor.fail("a chunk of extent 0");
}
