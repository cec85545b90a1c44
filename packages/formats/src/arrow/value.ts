import { batchOf, lengthOf, type Batch } from "./batch.js";
import type { Buffers } from "./buffers.js";
import { placeOf, readIndices } from "./column-extents.js";
import type { Dictionary } from "./dictionaries.js";
import type { DictionaryColumn, VariableColumn, ViewColumn } from "./layout.js";
import { readOffsets } from "./offsets.js";
import { readViews } from "./views.js";

/**
 * The bytes of one value of a column of bytes or strings, in memory of its own, for columns without extents. `row`
 * counts from the batch's first.
 * @throws CorruptShardError if the value does not lie in its buffer.
 */
export function readValue(
  buffers: Buffers,
  column: VariableColumn | ViewColumn,
  at: number,
  batch: Batch,
  row: number,
): Uint8Array {
  const place = placeOf(batch, at);
  if (column.kind === "view") {
    const [span] = readViews(buffers, column, batch, place, row, 1);
    const bytes = new Uint8Array(span?.byteLength ?? 0);
    buffers.readInto(bytes, batch, span?.region ?? place.data, span?.from ?? 0);
    return bytes;
  }
  const run = { field: column.field.name, offsetBytes: column.offsetBytes, elementBytes: 1, from: row, count: 1 };
  const [begin = 0, end = 0] = readOffsets(buffers, batch, place, run);
  const bytes = new Uint8Array(end - begin);
  buffers.readInto(bytes, batch, place.data, begin);
  return bytes;
}

/**
 * The bytes of the dictionary's value that a row points at.
 * @param buffers of the indices and of the values, which lie in different batches.
 * @throws CorruptShardError if the index points outside of the dictionary, or the value does not lie in its buffer.
 */
export function readDictionaryValue(
  buffers: { readonly rows: Buffers; readonly values: Buffers },
  column: DictionaryColumn,
  at: number,
  batch: Batch,
  row: number,
  { batches }: Dictionary,
): Uint8Array {
  const run = { from: row, count: 1, limit: lengthOf(batches) };
  const [index = 0] = readIndices(buffers.rows, column, at, batch, run);
  const values = batchOf(batches, index);
  return readValue(buffers.values, column.values, 0, values, index - values.start);
}
