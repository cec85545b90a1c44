import { viewAs } from "../dtype.js";
import { CorruptShardError, UnsupportedError } from "../errors.js";
import type { Batch } from "./batch.js";
import type { Buffers } from "./buffers.js";
import type { Place } from "./place.js";

const TWO_POW_32 = 2 ** 32;

/** Values longer than this are not read: extents keep lengths as uint32. */
const MAX_VALUE_BYTES = TWO_POW_32 - 1;

/** Which offsets of a column are to be read. */
export interface OffsetRun {
  readonly field: string;
  readonly offsetBytes: 4 | 8;
  /** Bytes of an element of the column's values, which the offsets count. */
  readonly elementBytes: number;
  /** First row of the batch. */
  readonly from: number;
  /** Number of rows. */
  readonly count: number;
}

/**
 * Reads the offsets around the rows `[from, from + count]` of a column of one record batch, in elements of the column's
 * values. One pread.
 * @throws CorruptShardError unless they ascend and end inside of the values; UnsupportedError for a value of 4 GiB.
 */
export function readOffsets(buffers: Buffers, batch: Batch, place: Place, run: OffsetRun): Float64Array {
  const { field, offsetBytes, elementBytes, from, count } = run;
  if (place.offsets === undefined || count === 0) return new Float64Array(1);
  const bytes = buffers.read(batch, place.offsets, from * offsetBytes, (count + 1) * offsetBytes, "a run of offsets");
  const offsets = offsetBytes === 4 ? new Float64Array(viewAs("int32", bytes) as Int32Array) : wide(bytes);
  const limit = place.data.byteLength / elementBytes;
  const maxElements = MAX_VALUE_BYTES / elementBytes;
  const file = buffers.file.path;
  const byte = batch.body + place.offsets.offset;
  let previous = 0;
  for (let i = 0; i < offsets.length; i++) {
    const offset = offsets[i] as number;
    if (!(offset >= previous && offset <= limit)) {
      throw new CorruptShardError({
        file,
        sample: batch.start + from + Math.max(i - 1, 0),
        field,
        byte: byte + (from + i) * offsetBytes,
        problem: "the offset of a value is wrong",
        expected: `${previous} to ${limit}`,
        found: `${offset}`,
        fix: "copy the file again",
      });
    }
    if (i > 0 && offset - previous > maxElements) {
      throw new UnsupportedError({
        file,
        sample: batch.start + from + i - 1,
        field,
        byte,
        problem: "the value is too long",
        expected: `at most ${MAX_VALUE_BYTES} bytes`,
        found: `${(offset - previous) * elementBytes}`,
      });
    }
    previous = offset;
  }
  return offsets;
}

/** Offsets of 64 bits as doubles, which hold every offset of a file exactly. */
function wide(bytes: Uint8Array): Float64Array {
  const words = viewAs("uint32", bytes) as Uint32Array;
  const offsets = new Float64Array(words.length / 2);
  for (let i = 0; i < offsets.length; i++)
    offsets[i] = (words[2 * i] as number) + (words[2 * i + 1] as number) * TWO_POW_32;
  return offsets;
}
