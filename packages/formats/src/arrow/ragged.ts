import { bytesOf, createArray, dtypeBytes, viewAs } from "../dtype.js";
import { CorruptShardError } from "../errors.js";
import { elementsOf, type RaggedValue } from "../schema.js";
import type { Batch } from "./batch.js";
import type { Buffers } from "./buffers.js";
import type { RaggedColumn } from "./layout.js";
import { readOffsets } from "./offsets.js";
import type { Place } from "./place.js";
import type { Region } from "./region.js";

/**
 * Reads one value of a ragged column: its two offsets, its shape, its elements; three preads. `row` counts from the
 * batch's first.
 * @throws CorruptShardError if the shape and the offsets contradict each other.
 */
export function readRagged(
  buffers: Buffers,
  column: RaggedColumn,
  batch: Batch,
  place: Place,
  row: number,
): RaggedValue {
  const { dtype, rank, name } = column.field;
  const elementBytes = dtypeBytes(dtype);
  const { offsetBytes } = column;
  const run = { field: name, offsetBytes, elementBytes, from: row, count: 1 };
  const [begin = 0, end = 0] = readOffsets(buffers, batch, place, run);
  const shape =
    place.shapes === undefined ? [end - begin] : [...readShape(buffers, batch, place.shapes, row * rank, rank)];
  if (shape.some((extent) => extent < 0) || elementsOf(shape) !== end - begin) {
    throw new CorruptShardError({
      file: buffers.file.path,
      sample: batch.start + row,
      field: name,
      problem: "the shape does not fit the elements",
      expected: `${end - begin} elements`,
      found: `[${shape.join(", ")}]`,
      fix: "copy the file again",
    });
  }
  const data = createArray(dtype, end - begin);
  buffers.readInto(bytesOf(data), batch, place.data, begin * elementBytes);
  return { data, shape };
}

/**
 * The shapes `[length, rank]` of a ragged column, unchecked: one pread a record batch. Without shapes in the file, the
 * numbers of elements.
 * @param at number of the column.
 */
export function readShapes(
  buffers: Buffers,
  { field, offsetBytes }: RaggedColumn,
  at: number,
  { batches, length }: { readonly batches: readonly Batch[]; readonly length: number },
): Float64Array {
  const { rank, name, dtype } = field;
  const all = new Float64Array(length * rank);
  for (const batch of batches) {
    const { start, rows } = batch;
    const place = batch.places[at] as Place;
    if (place.shapes !== undefined) {
      all.set(readShape(buffers, batch, place.shapes, 0, rows * rank), start * rank);
      continue;
    }
    const run = { field: name, offsetBytes, elementBytes: dtypeBytes(dtype), from: 0, count: rows };
    const bounds = readOffsets(buffers, batch, place, run);
    for (let row = 0; row < rows; row++) all[start + row] = (bounds[row + 1] as number) - (bounds[row] as number);
  }
  return all;
}

function readShape(buffers: Buffers, batch: Batch, shapes: Region, from: number, count: number): Int32Array {
  return viewAs("int32", buffers.read(batch, shapes, from * 4, count * 4, "a shape")) as Int32Array;
}
