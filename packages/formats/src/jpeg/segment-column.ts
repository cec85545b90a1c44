import { CorruptShardError } from "../errors.js";
import type { ShardIndex } from "../shard-index.js";
import type { TypedArray } from "../dtype.js";
import { checkRowNumber } from "../row-number.js";
import { decodeJpegSegments, type JpegSegments } from "./segments.js";

/** Column of a shard's sidecar: the indexes of the field's JPEGs, one after the other, uint8. */
const BYTES_PREFIX = "jpeg-segments/";
/** Column of a shard's sidecar: where the index of each sample begins in the other, and where the last ends, uint32. */
const STARTS_PREFIX = "jpeg-segment-starts/";

/** The indexes of the JPEGs of a field of a shard. Its memory is that of the sidecar. */
export class JpegSegmentColumn {
  constructor(
    /** Path of the shard, for errors. */
    readonly file: string,
    readonly bytes: Uint8Array,
    /** Where the index of each sample begins in `bytes`, and where the last one ends. */
    readonly starts: Uint32Array,
  ) {}

  /** Where `bytes` begin in the sidecar: who keeps many shards open reads the indexes from there when they are needed. */
  get offset(): number {
    return this.bytes.byteOffset;
  }

  /**
   * Reads the index of one row into `into`; see {@link decodeJpegSegments}.
   * @returns false if that image is not seekable.
   * @throws OptionError if `row` is not in the shard; CorruptShardError if the index is impossible.
   */
  read(row: number, into: JpegSegments): boolean {
    checkRowNumber(this.file, row, this.starts.length - 1);
    return decodeJpegSegments(
      this.bytes,
      this.starts[row] as number,
      this.starts[row + 1] as number,
      into,
      this.file,
      row,
    );
  }
}

/**
 * The segments of the JPEGs of a field, out of the sidecar of an open shard.
 * @param file path of the shard
 * @returns `undefined` if the shard has none.
 * @throws CorruptShardError if the columns contradict each other.
 */
export function jpegSegmentColumn(file: string, index: ShardIndex, field: string): JpegSegmentColumn | undefined {
  const bytes = index.columns.get(BYTES_PREFIX + field);
  const starts = index.columns.get(STARTS_PREFIX + field);
  if (bytes === undefined && starts === undefined) return undefined;
  const isSound =
    bytes instanceof Uint8Array &&
    starts instanceof Uint32Array &&
    starts.length === index.samples + 1 &&
    starts[index.samples] === bytes.length &&
    starts.every((start, i) => i === 0 || start >= (starts[i - 1] as number));
  if (!isSound) {
    throw new CorruptShardError({
      file,
      field,
      problem: "the columns of JPEG segments in its index contradict each other",
      fix: "repeat the conversion",
    });
  }
  return new JpegSegmentColumn(file, bytes, starts);
}

/**
 * The columns of a sidecar that {@link jpegSegmentColumn} reads.
 * @param indexes one a sample, of 0 bytes where the sample is not seekable
 */
export function jpegSegmentColumns(field: string, indexes: readonly Uint8Array[]): Map<string, TypedArray> {
  const starts = new Uint32Array(indexes.length + 1);
  for (const [i, { length }] of indexes.entries()) starts[i + 1] = (starts[i] as number) + length;
  const bytes = new Uint8Array(starts[indexes.length] as number);
  for (const [i, index] of indexes.entries()) bytes.set(index, starts[i]);
  return new Map<string, TypedArray>([
    [BYTES_PREFIX + field, bytes],
    [STARTS_PREFIX + field, starts],
  ]);
}
