import { dtypeBytes, viewAs } from "../dtype.js";
import { CorruptShardError } from "../errors.js";
import { byteLengthOf, offsetOf, tableExtents, type Extents } from "../extents.js";
import type { ShardFile } from "../shard-file.js";
import type { DictionaryColumn, TensorColumn, VariableColumn } from "./layout.js";
import { readOffsets } from "./offsets.js";
import type { Place } from "./place.js";

/** Extents of a tensor column: affine in each record batch, a table over several unless they lie back to back. */
export function tensorExtents(column: TensorColumn, places: readonly Place[]): Extents {
  const length = lengthOf(places);
  const stride = column.rowBytes;
  const base = places[0]?.data.offset ?? 0;
  if (length > 0 && places.every((place) => place.data.offset === base + place.start * stride))
    return { kind: "affine", length, base, stride, byteLength: stride };
  const offsets = new Float64Array(length);
  for (const { start, rows, data } of places)
    for (let row = 0; row < rows; row++) offsets[start + row] = data.offset + row * stride;
  return tableExtents(offsets, new Uint32Array(length).fill(stride));
}

/**
 * Extents of a column of bytes or strings, from its offsets: one pread a record batch.
 * @throws CorruptShardError if the offsets do not ascend inside of the values.
 */
export function variableExtents(file: ShardFile, column: VariableColumn, places: readonly Place[]): Extents {
  const length = lengthOf(places);
  const offsets = new Float64Array(length);
  const byteLengths = new Uint32Array(length);
  for (const place of places) {
    const { start, rows, data } = place;
    const bounds = readOffsets(file, place, { offsetBytes: column.offsetBytes, elementBytes: 1, from: 0, count: rows });
    for (let row = 0; row < rows; row++) {
      const begin = bounds[row] as number;
      offsets[start + row] = data.offset + begin;
      byteLengths[start + row] = (bounds[row + 1] as number) - begin;
    }
  }
  return tableExtents(offsets, byteLengths);
}

/**
 * Extents of a column of indices into a dictionary: those of its `values`. One pread a record batch.
 * @throws CorruptShardError if an index points outside of the dictionary.
 */
export function dictionaryExtents(
  file: ShardFile,
  column: DictionaryColumn,
  places: readonly Place[],
  values: Extents,
): Extents {
  const length = lengthOf(places);
  const offsets = new Float64Array(length);
  const byteLengths = new Uint32Array(length);
  for (const { start, rows, data } of places) {
    const bytes = file.read(data.offset, rows * dtypeBytes(column.indices), "a run of indices");
    const indices = viewAs(column.indices, bytes);
    for (let row = 0; row < rows; row++) {
      const index = Number(indices[row]);
      if (!(index >= 0 && index < values.length)) {
        throw new CorruptShardError({
          file: file.path,
          sample: start + row,
          field: column.field.name,
          byte: data.offset,
          problem: "points outside of its dictionary",
          expected: `0 to ${values.length - 1}`,
          found: `${index}`,
          fix: "copy the file again",
        });
      }
      offsets[start + row] = offsetOf(values, index);
      byteLengths[start + row] = byteLengthOf(values, index);
    }
  }
  return tableExtents(offsets, byteLengths);
}

/** Rows of all batches. */
export function lengthOf(places: readonly Place[]): number {
  const last = places.at(-1);
  return last === undefined ? 0 : last.start + last.rows;
}
