import { dtypeBytes, viewAs } from "../dtype.js";
import { CorruptShardError } from "../errors.js";
import { byteLengthOf, offsetOf, tableExtents, type Extents } from "../extents.js";
import { lengthOf, type Batch } from "./batch.js";
import type { Buffers } from "./buffers.js";
import type { DictionaryColumn, RaggedColumn, TensorColumn, VariableColumn, ViewColumn } from "./layout.js";
import { readOffsets } from "./offsets.js";
import type { Place } from "./place.js";
import { readViews } from "./views.js";

/**
 * Extents of a tensor column: affine in each record batch, a table over several unless they lie back to back.
 * `undefined` if a record batch is compressed. `at`: number of the column.
 */
export function tensorExtents(column: TensorColumn, at: number, batches: readonly Batch[]): Extents | undefined {
  const length = lengthOf(batches);
  const stride = column.rowBytes;
  const [first] = batches;
  const base = first === undefined ? 0 : dataOffset(first, at);
  if (batches.some((batch) => placeOf(batch, at).data.packed !== undefined)) return undefined;
  if (length > 0 && batches.every((batch) => dataOffset(batch, at) === base + batch.start * stride))
    return { kind: "affine", length, base, stride, byteLength: stride };
  const offsets = new Float64Array(length);
  for (const batch of batches) {
    const { start, rows } = batch;
    const data = dataOffset(batch, at);
    for (let row = 0; row < rows; row++) offsets[start + row] = data + row * stride;
  }
  const byteLengths = new Uint32Array(length).fill(stride);
  // Record batches of one row each may be equally far apart; others are known not to be.
  return batches.length === length
    ? tableExtents(offsets, byteLengths)
    : { kind: "table", length, offsets, byteLengths };
}

/**
 * Extents of a column of bytes, strings or ragged values: one pread a record batch. `undefined` if their bytes are
 * compressed.
 * @throws CorruptShardError if the values do not lie in their buffers.
 */
export function valueExtents(
  buffers: Buffers,
  column: VariableColumn | ViewColumn | RaggedColumn,
  at: number,
  batches: readonly Batch[],
): Extents | undefined {
  const length = lengthOf(batches);
  const offsets = new Float64Array(length);
  const byteLengths = new Uint32Array(length);
  for (const batch of batches) {
    const place = placeOf(batch, at);
    if ([place.data, ...(place.values ?? [])].some(({ packed }) => packed !== undefined)) return undefined;
    if (column.kind === "view") addViews(buffers, column, batch, place, offsets, byteLengths);
    else addRuns(buffers, column, batch, place, offsets, byteLengths);
  }
  return tableExtents(offsets, byteLengths);
}

function addRuns(
  buffers: Buffers,
  column: VariableColumn | RaggedColumn,
  batch: Batch,
  place: Place,
  offsets: Float64Array,
  byteLengths: Uint32Array,
): void {
  const { start, rows, body } = batch;
  const elementBytes = column.kind === "ragged" ? dtypeBytes(column.field.dtype) : 1;
  const run = { field: column.field.name, offsetBytes: column.offsetBytes, elementBytes, from: 0, count: rows };
  const bounds = readOffsets(buffers, batch, place, run);
  const base = body + place.data.offset;
  for (let row = 0; row < rows; row++) {
    const begin = bounds[row] as number;
    offsets[start + row] = base + begin * elementBytes;
    byteLengths[start + row] = ((bounds[row + 1] as number) - begin) * elementBytes;
  }
}

function addViews(
  buffers: Buffers,
  column: ViewColumn,
  batch: Batch,
  place: Place,
  offsets: Float64Array,
  byteLengths: Uint32Array,
): void {
  const spans = readViews(buffers, column, batch, place, 0, batch.rows);
  for (const [row, { region, from, byteLength }] of spans.entries()) {
    offsets[batch.start + row] = batch.body + region.offset + from;
    byteLengths[batch.start + row] = byteLength;
  }
}

/**
 * Extents of a column of indices into dictionaries: those of the values. One pread a record batch.
 * @param valuesOf the extents of the dictionary that a record batch points at; without any the column has none.
 * @throws CorruptShardError if an index points outside of the dictionary.
 */
export function dictionaryExtents(
  buffers: Buffers,
  column: DictionaryColumn,
  at: number,
  batches: readonly Batch[],
  valuesOf: (batch: Batch) => Extents | undefined,
): Extents | undefined {
  const length = lengthOf(batches);
  const offsets = new Float64Array(length);
  const byteLengths = new Uint32Array(length);
  for (const batch of batches) {
    const values = valuesOf(batch);
    if (values === undefined) return undefined;
    const indices = readIndices(buffers, column, at, batch, { from: 0, count: batch.rows, limit: values.length });
    for (const [row, index] of indices.entries()) {
      offsets[batch.start + row] = offsetOf(values, index);
      byteLengths[batch.start + row] = byteLengthOf(values, index);
    }
  }
  return tableExtents(offsets, byteLengths);
}

/**
 * Indices into a dictionary of `limit` values, of `count` rows from row `from` of the batch on. One pread.
 * @throws CorruptShardError if one points outside of it.
 */
export function readIndices(
  buffers: Buffers,
  column: DictionaryColumn,
  at: number,
  batch: Batch,
  run: { from: number; count: number; limit: number },
): Float64Array {
  const { data } = placeOf(batch, at);
  const bytesEach = dtypeBytes(column.indices);
  const bytes = buffers.read(batch, data, run.from * bytesEach, run.count * bytesEach, "a run of indices");
  const indices = Float64Array.from(viewAs(column.indices, bytes) as ArrayLike<number | bigint>, Number);
  const wrong = indices.findIndex((index) => !(index >= 0 && index < run.limit));
  if (wrong === -1) return indices;
  throw new CorruptShardError({
    file: buffers.file.path,
    sample: batch.start + run.from + wrong,
    field: column.field.name,
    byte: batch.body + data.offset,
    problem: "points outside of its dictionary",
    expected: `0 to ${run.limit - 1}`,
    found: `${indices[wrong]}`,
    fix: "copy the file again",
  });
}

/** Where a column lies in a record batch. */
export function placeOf(batch: Batch, at: number): Place {
  return batch.places[at] as Place;
}

function dataOffset(batch: Batch, at: number): number {
  return batch.body + placeOf(batch, at).data.offset;
}
