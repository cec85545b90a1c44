import { CorruptShardError } from "../errors.js";
import type { Batch } from "./batch.js";
import type { Buffers } from "./buffers.js";
import { VIEW_BYTES, type ViewColumn } from "./layout.js";
import type { Place } from "./place.js";
import type { Region } from "./region.js";

/** A value of this many bytes or fewer stands in its view. */
const MAX_INLINE_BYTES = 12;

/** Where a value lies: in a buffer, from `from` on. */
export interface Span {
  readonly region: Region;
  readonly from: number;
  readonly byteLength: number;
}

/**
 * Reads where the values of `count` rows of a column of views lie, from row `first` of the batch on. One pread.
 *
 * ```text
 * 0  length   int32
 * 4  value    12 bytes, if the length is at most 12; else:
 * 4  prefix   the value's first 4 bytes
 * 8  buffer   int32: which of the buffers of values
 * 12 offset   int32: where in it
 * ```
 *
 * Source: Arrow columnar format, "Variable-size Binary View Layout".
 *
 * @throws CorruptShardError if a value lies outside of the buffers.
 */
export function readViews(
  buffers: Buffers,
  column: ViewColumn,
  batch: Batch,
  place: Place,
  first: number,
  count: number,
): Span[] {
  const bytes = buffers.read(batch, place.data, first * VIEW_BYTES, count * VIEW_BYTES, "a run of views");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, row) => {
    const at = row * VIEW_BYTES;
    const byteLength = view.getInt32(at, true);
    if (byteLength >= 0 && byteLength <= MAX_INLINE_BYTES)
      return { region: place.data, from: (first + row) * VIEW_BYTES + 4, byteLength };
    const region = place.values?.[view.getInt32(at + 8, true)];
    const from = view.getInt32(at + 12, true);
    if (byteLength < 0 || region === undefined || from < 0 || from + byteLength > region.byteLength) {
      throw new CorruptShardError({
        file: buffers.file.path,
        sample: batch.start + first + row,
        field: column.field.name,
        byte: batch.body + place.data.offset,
        problem: "the view of a value is wrong",
        expected: "a run of bytes in a buffer of its record batch",
        found: `${byteLength} bytes from ${from} on`,
        fix: "copy the file again",
      });
    }
    return { region, from, byteLength };
  });
}
