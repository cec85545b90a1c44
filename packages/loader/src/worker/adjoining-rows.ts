import { byteLengthOf, offsetOf, type Extents } from "@millrace/formats/shard";

/**
 * How many of `rows` rows from `row` on, all of `byteLength`, lie one right behind the other in the file; at least 1, also
 * where the first is of another length.
 */
export function adjoiningRows(extents: Extents, row: number, rows: number, byteLength: number): number {
  if (byteLengthOf(extents, row) !== byteLength) return 1;
  const start = offsetOf(extents, row);
  let count = 1;
  while (
    count < rows &&
    byteLengthOf(extents, row + count) === byteLength &&
    offsetOf(extents, row + count) === start + count * byteLength
  )
    count++;
  return count;
}
