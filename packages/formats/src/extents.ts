/** Rows of equal size at equal distances: row `r` begins at `base + r * stride`. */
export interface AffineExtents {
  readonly kind: "affine";
  readonly length: number;
  /** Byte offset of row 0 in the file. */
  readonly base: number;
  /** Bytes from one row to the next. */
  readonly stride: number;
  /** Bytes of each row. */
  readonly byteLength: number;
}

/** Rows anywhere in the file. */
export interface TableExtents {
  readonly kind: "table";
  readonly length: number;
  /** Byte offset of each row. Doubles, as offsets pass 2^32. */
  readonly offsets: Float64Array;
  /** Bytes of each row. */
  readonly byteLengths: Uint32Array;
}

/**
 * Where the bytes of each row of a field lie, unencoded and little-endian, in a shard file.
 * With it a row is one `pread`; no format library is needed to read it.
 */
export type Extents = AffineExtents | TableExtents;

/** Byte offset of a row in the file. */
export function offsetOf(extents: Extents, row: number): number {
  return extents.kind === "affine" ? extents.base + row * extents.stride : (extents.offsets[row] as number);
}

/** Bytes of a row. */
export function byteLengthOf(extents: Extents, row: number): number {
  return extents.kind === "affine" ? extents.byteLength : (extents.byteLengths[row] as number);
}

/** The largest row in bytes; 0 if there is none. Room that holds any row of the field. */
export function maxByteLength(extents: Extents): number {
  return extents.kind === "affine" ? extents.byteLength : extents.byteLengths.reduce((a, b) => Math.max(a, b), 0);
}

/** First byte after the last row, wherever it lies; checked against the file's size before anything is read. */
export function endOf(extents: Extents): number {
  if (extents.length === 0) return 0;
  if (extents.kind === "affine") return offsetOf(extents, extents.length - 1) + extents.byteLength;
  return extents.offsets.reduce((end, offset, row) => Math.max(end, offset + byteLengthOf(extents, row)), 0);
}

/** The same rule as a table, where the rows are equally long and equally far apart an affine one. */
export function tableExtents(offsets: Float64Array, byteLengths: Uint32Array): Extents {
  const length = offsets.length;
  const base = offsets[0] ?? 0;
  const byteLength = byteLengths[0] ?? 0;
  const stride = length > 1 ? (offsets[1] as number) - base : byteLength;
  const affine =
    length > 0 && offsets.every((offset, row) => offset === base + row * stride && byteLengths[row] === byteLength);
  return affine
    ? { kind: "affine", length, base, stride, byteLength }
    : { kind: "table", length, offsets, byteLengths };
}
