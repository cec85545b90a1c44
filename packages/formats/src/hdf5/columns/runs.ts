import { dtypeBytes, viewAs, type Dtype } from "../../dtype.js";
import { CorruptShardError, UnsupportedError } from "../../errors.js";
import { tableExtents, type Extents } from "../../extents.js";
import { raggedShapes } from "../../ragged-shapes.js";
import { elementsOf, type Field, type SampleValue } from "../../schema.js";
import type { ShardFile } from "../../shard-file.js";
import { decodeText } from "../metadata/text.js";
import type { ContiguousRows } from "../rows/index.js";
import type { Column } from "./column.js";

/** The datasets of a {@link RunsColumn}. */
export interface Runs {
  readonly field: Field;
  /** All samples one after the other; each row is one element. */
  readonly data: ContiguousRows;
  readonly dtype: Dtype;
  /** Where each sample begins, in elements, and where the last one ends. */
  readonly offsets: Float64Array;
  /** Of `ragged`: a row of int64 for each sample. */
  readonly shapes: ContiguousRows | undefined;
}

/** Values longer than this have no extents: they keep lengths as uint32. */
const MAX_VALUE_BYTES = 2 ** 32 - 1;

/** A field whose samples are runs of a dataset: `bytes`, `ragged`, and `string` where it is not of fixed length. */
export class RunsColumn implements Column {
  #extents: Extents | undefined;
  /** Present once they were read. */
  #shapes: { readonly known: Int32Array | undefined } | undefined;

  constructor(
    readonly file: ShardFile,
    readonly runs: Runs,
  ) {}

  get length(): number {
    return this.runs.offsets.length - 1;
  }

  /** @throws UnsupportedError for a value of 4 GiB. */
  extents(): Extents {
    if (this.#extents !== undefined) return this.#extents;
    const { data, dtype, offsets } = this.runs;
    const unit = dtypeBytes(dtype);
    const positions = offsets.subarray(0, -1).map((start) => data.position + start * unit);
    const byteLengths = Uint32Array.from(positions, (_, row) => this.#byteLength(row));
    this.#extents = tableExtents(positions, byteLengths);
    return this.#extents;
  }

  shapes(): Int32Array | undefined {
    const { field, shapes } = this.runs;
    if (field.kind !== "ragged" || shapes === undefined) return undefined;
    this.#shapes ??= { known: raggedShapes(field, this.extents(), readShapes(this.file, shapes)) };
    return this.#shapes.known;
  }

  read(row: number): SampleValue {
    const { data, dtype, offsets, field } = this.runs;
    const unit = dtypeBytes(dtype);
    const position = data.position + (offsets[row] as number) * unit;
    const bytes = this.file.read(position, this.#byteLength(row), `sample ${row}`);
    if (field.kind === "string") return decodeText(bytes, this.file.path, position);
    const value = viewAs(dtype, bytes);
    return field.kind === "ragged" ? { data: value, shape: this.#shape(row, value.length) } : value;
  }

  #byteLength(row: number): number {
    const { offsets, dtype, field } = this.runs;
    const bytes = ((offsets[row + 1] as number) - (offsets[row] as number)) * dtypeBytes(dtype);
    if (bytes <= MAX_VALUE_BYTES) return bytes;
    throw new UnsupportedError({
      file: this.file.path,
      sample: row,
      field: field.name,
      problem: "the value is too long",
      expected: `at most ${MAX_VALUE_BYTES} bytes`,
      found: `${bytes}`,
    });
  }

  #shape(row: number, elements: number): number[] {
    const bytes = this.runs.shapes?.read(row) ?? new Uint8Array();
    const shape = Array.from(viewAs("int64", bytes) as BigInt64Array, Number);
    if (shape.every((extent) => extent >= 0) && elementsOf(shape) === elements) return shape;
    throw new CorruptShardError({
      file: this.file.path,
      sample: row,
      field: this.runs.field.name,
      problem: "the shape does not fit the elements",
      expected: `${elements} elements`,
      found: `[${shape.join(", ")}]`,
      fix: "copy the file again, or repeat the conversion",
    });
  }
}

function readShapes(file: ShardFile, { position, length, rowBytes }: ContiguousRows): BigInt64Array {
  return viewAs("int64", file.read(position, length * rowBytes, "shapes")) as BigInt64Array;
}

/** How many offsets are read at once. */
const READ_ROWS = 2 ** 17;

/**
 * Reads the offsets of a field and checks that they never fall and end inside of the data.
 * @throws CorruptShardError
 */
export function readOffsets(file: ShardFile, field: string, rows: ContiguousRows, elements: number): Float64Array {
  const offsets = new Float64Array(rows.length);
  let previous = 0;
  for (let start = 0; start < rows.length; start += READ_ROWS) {
    const count = Math.min(READ_ROWS, rows.length - start);
    const bytes = file.read(rows.position + start * rows.rowBytes, count * rows.rowBytes, "offsets");
    for (const [i, raw] of (viewAs("int64", bytes) as BigInt64Array).entries()) {
      const offset = Number(raw);
      if (!(offset >= previous && offset <= elements) || (start + i === 0 && offset !== 0)) {
        throw new CorruptShardError({
          file: file.path,
          field,
          sample: start + i,
          byte: rows.position + (start + i) * rows.rowBytes,
          problem: "the offset of a sample is wrong",
          expected: start + i === 0 ? "0" : `${previous} to ${elements}`,
          found: `${raw}`,
          fix: "copy the file again, or repeat the conversion",
        });
      }
      offsets[start + i] = offset;
      previous = offset;
    }
  }
  return offsets;
}
