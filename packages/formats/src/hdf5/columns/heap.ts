import { dtypeBytes, viewAs, type Dtype } from "../../dtype.js";
import { tableExtents, type Extents } from "../../extents.js";
import type { SampleValue } from "../../schema.js";
import { Cursor } from "../metadata/cursor.js";
import type { GlobalHeap, HeapObject } from "../metadata/global-heap.js";
import { decodeText } from "../metadata/text.js";
import { ContiguousRows, type Rows } from "../rows/index.js";
import type { Column } from "./column.js";

/** A dataset of variable-length values: strings where `dtype` is absent, bytes for `uint8`, else one-dimensional. */
export class HeapColumn implements Column {
  #extents: Extents | undefined;
  readonly #unit: number;

  constructor(
    readonly heap: GlobalHeap,
    readonly rows: Rows,
    readonly dtype: Dtype | undefined,
  ) {
    this.#unit = dtype === undefined ? 1 : dtypeBytes(dtype);
  }

  get length(): number {
    return this.rows.length;
  }

  extents(): Extents {
    this.#extents ??= this.#locateAll();
    return this.#extents;
  }

  read(row: number): SampleValue {
    const { metadata } = this.heap;
    metadata.renewBudget();
    const { position, bytes } = this.heap.locate(this.#element(row), this.#unit);
    const value = metadata.file.read(position, bytes, `sample ${row}`);
    if (this.dtype === undefined) return decodeText(value, metadata.path, position);
    if (this.dtype === "uint8") return value;
    const data = viewAs(this.dtype, value);
    return { data, shape: [data.length] };
  }

  #element(row: number): Cursor {
    const position = this.rows instanceof ContiguousRows ? this.rows.position + row * this.rows.rowBytes : 0;
    return new Cursor(Buffer.from(this.rows.read(row).buffer), position, this.heap.metadata);
  }

  /** Collections are visited once each, so that the work is bounded by the file. */
  #locateAll(): Extents {
    this.heap.metadata.renewBudget();
    const offsets = new Float64Array(this.length);
    const byteLengths = new Uint32Array(this.length);
    const byCollection = Array.from({ length: this.length }, (_, row) => {
      const element = this.#element(row);
      element.skip(4);
      return { row, address: element.address() ?? 0 };
    }).toSorted((a, b) => a.address - b.address);
    for (const { row } of byCollection) {
      const object: HeapObject = this.heap.locate(this.#element(row), this.#unit);
      offsets[row] = object.position;
      byteLengths[row] = object.bytes;
    }
    return tableExtents(offsets, byteLengths);
  }
}
