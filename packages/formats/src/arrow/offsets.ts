import { viewAs } from "../dtype.js";
import { CorruptShardError, UnsupportedError } from "../errors.js";
import type { ShardFile } from "../shard-file.js";
import type { Place } from "./place.js";

const TWO_POW_32 = 2 ** 32;

/** Values longer than this are not read: extents keep lengths as uint32. */
const MAX_VALUE_BYTES = TWO_POW_32 - 1;

/**
 * Reads the offsets around the rows `[from, from + count]` of a column of one record batch, in elements of the column's
 * values. One pread.
 * @throws CorruptShardError unless they ascend and end inside of the values; UnsupportedError for a value of 4 GiB.
 */
export function readOffsets(
  file: ShardFile,
  place: Place,
  options: { offsetBytes: 4 | 8; elementBytes: number; from: number; count: number },
): Float64Array {
  const { offsetBytes, elementBytes, from, count } = options;
  if (place.offsets === undefined || count === 0) return new Float64Array(1);
  const position = place.offsets.offset + from * offsetBytes;
  const bytes = file.read(position, (count + 1) * offsetBytes, "a run of offsets");
  const offsets = offsetBytes === 4 ? new Float64Array(viewAs("int32", bytes) as Int32Array) : wide(bytes);
  const limit = place.data.byteLength / elementBytes;
  let previous = 0;
  for (let i = 0; i < offsets.length; i++) {
    const offset = offsets[i] as number;
    if (offset < previous || offset > limit) {
      throw new CorruptShardError({
        file: file.path,
        sample: place.start + from + Math.max(i - 1, 0),
        field: place.field,
        byte: position + i * offsetBytes,
        problem: "the offset of a value is wrong",
        expected: `${previous} to ${limit}`,
        found: `${offset}`,
        fix: "copy the file again",
      });
    }
    if (i > 0 && (offset - previous) * elementBytes > MAX_VALUE_BYTES) {
      throw new UnsupportedError({
        file: file.path,
        sample: place.start + from + i - 1,
        field: place.field,
        byte: position,
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
