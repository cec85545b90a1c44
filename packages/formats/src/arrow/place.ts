import { dtypeBytes } from "../dtype.js";
import { CorruptShardError, UnsupportedError } from "../errors.js";
import { elementsOf } from "../schema.js";
import { VIEW_BYTES, type Column } from "./layout.js";
import type { BatchMetadata } from "./message.js";
import type { Region } from "./region.js";

/** Where one column's arrays of one record batch lie in its body; each is as long as its rows ask for. */
export interface Place {
  /** The values, the indices into a dictionary, or the views of the values. */
  readonly data: Region;
  /** One offset more than there are rows, where rows differ in length; not read yet. */
  readonly offsets?: Region;
  /** `rank` int32 a row, where rows differ in shape. */
  readonly shapes?: Region;
  /** The buffers that views point into. */
  readonly values?: readonly Region[];
}

/**
 * Walks through a record batch in the order of its schema, as its writer did: an array's node and buffers, then those
 * of its children. Buffers: validity, then offsets where rows differ in length, then values unless there are children;
 * views have any number of buffers of values.
 *
 * Source: Arrow columnar format, "Recordbatch message".
 *
 * @returns the place of each of `columns`.
 * @throws CorruptShardError, or UnsupportedError if a column has nulls.
 */
export function placesOf(columns: readonly Column[], batch: BatchMetadata, file: string): Place[] {
  const walk = new Walk(batch, file);
  const places = columns.map((column) => walk.place(column));
  walk.finish();
  return places;
}

/** A number of buffers that a batch of `limit` buffers can have. */
function batchCount(count: number | undefined, limit: number): number | undefined {
  return count !== undefined && count >= 0 && count <= limit ? count : undefined;
}

class Walk {
  #node = 0;
  #buffer = 0;
  #views = 0;
  #field: string | undefined;

  constructor(
    readonly batch: BatchMetadata,
    readonly file: string,
  ) {}

  place(column: Column): Place {
    const { rows } = this.batch;
    this.#field = column.field.name;
    switch (column.kind) {
      case "tensor": {
        let length = this.#array(rows);
        for (const size of column.listSizes) length = this.#array(length * size);
        return { data: this.#values(rows * column.rowBytes) };
      }
      case "variable": {
        this.#array(rows);
        return { offsets: this.#offsets(rows, column.offsetBytes), data: this.#values(0) };
      }
      case "view": {
        this.#array(rows);
        const data = this.#values(rows * VIEW_BYTES);
        const count = batchCount(this.batch.variadicCounts[this.#views++], this.batch.buffers.length);
        if (count === undefined) throw this.#corrupt("the batch does not tell the number of its buffers of values");
        return { data, values: Array.from({ length: count }, () => this.#values(0)) };
      }
      case "dictionary": {
        this.#array(rows);
        return { data: this.#values(rows * dtypeBytes(column.indices)) };
      }
      case "ragged": {
        if (column.shaped) this.#array(rows);
        this.#array(rows);
        const offsets = this.#offsets(rows, column.offsetBytes);
        const elementBytes = dtypeBytes(column.field.dtype);
        const byteLength = this.#array(0) * elementBytes;
        const data = { ...this.#values(byteLength), byteLength };
        if (!column.shaped) return { offsets, data };
        const shape = [rows, column.field.rank];
        this.#array(rows);
        this.#array(elementsOf(shape));
        return { offsets, data, shapes: this.#values(elementsOf(shape) * 4) };
      }
    }
  }

  finish(): void {
    this.#field = undefined;
    const { nodes, buffers } = this.batch;
    if (this.#node !== nodes.length || this.#buffer !== buffers.length)
      throw this.#corrupt("the batch holds more arrays than its schema");
  }

  /** Takes an array of at least `length`, with its validity bitmap, which says nothing where there are no nulls. */
  #array(length: number): number {
    const node = this.batch.nodes[this.#node++];
    if (node === undefined) throw this.#corrupt("the batch holds fewer arrays than its schema");
    if (node.nullCount > 0) {
      throw new UnsupportedError({
        file: this.file,
        field: this.#field,
        problem: "has nulls",
        byte: this.batch.offset,
        found: `${node.nullCount} in one record batch`,
        fix: "fill them, or drop their rows",
      });
    }
    if (node.length < length)
      throw this.#corrupt("an array is too short", `${length} elements`, `${node.length} elements`);
    this.#values(0);
    return node.length;
  }

  #values(byteLength: number): Region {
    const region = this.batch.buffers[this.#buffer++];
    if (region === undefined) throw this.#corrupt("the batch holds fewer buffers than its schema");
    if (region.byteLength < byteLength)
      throw this.#corrupt("a buffer is too short", `${byteLength} bytes`, `${region.byteLength} bytes`);
    return region;
  }

  #offsets(rows: number, offsetBytes: number): Region {
    const byteLength = rows === 0 ? 0 : (rows + 1) * offsetBytes;
    return { ...this.#values(byteLength), byteLength };
  }

  #corrupt(problem: string, expected?: string, found?: string): CorruptShardError {
    return new CorruptShardError({
      file: this.file,
      field: this.#field,
      byte: this.batch.offset,
      problem,
      expected,
      found,
      fix: "copy the file again",
    });
  }
}
