import { bytesOf, createArray, dtypeBytes, viewAs } from "../dtype.js";
import { CorruptShardError } from "../errors.js";
import { elementsOf, type RaggedValue } from "../schema.js";
import type { ShardFile } from "../shard-file.js";
import type { RaggedColumn } from "./layout.js";
import { readOffsets } from "./offsets.js";
import type { Place } from "./place.js";

/**
 * Reads one value of a ragged column: its two offsets, its shape, its elements; three preads. `row` counts from the
 * batch's first.
 * @throws CorruptShardError if the shape and the offsets contradict each other.
 */
export function readRagged(file: ShardFile, column: RaggedColumn, place: Place, row: number): RaggedValue {
  const { dtype, rank, name } = column.field;
  const elementBytes = dtypeBytes(dtype);
  const offsetBytes = column.offsetBytes;
  const [begin = 0, end = 0] = readOffsets(file, place, { offsetBytes, elementBytes, from: row, count: 1 });
  const shape = place.shapes === undefined ? [end - begin] : readShape(file, place.shapes.offset, row, rank);
  if (shape.some((extent) => extent < 0) || elementsOf(shape) !== end - begin) {
    throw new CorruptShardError({
      file: file.path,
      sample: place.start + row,
      field: name,
      problem: "the shape does not fit the elements",
      expected: `${end - begin} elements`,
      found: `[${shape.join(", ")}]`,
      fix: "copy the file again",
    });
  }
  const data = createArray(dtype, end - begin);
  file.readInto(bytesOf(data), place.data.offset + begin * elementBytes);
  return { data, shape };
}

function readShape(file: ShardFile, offset: number, row: number, rank: number): number[] {
  return [...(viewAs("int32", file.read(offset + row * rank * 4, rank * 4, "a shape")) as Int32Array)];
}
