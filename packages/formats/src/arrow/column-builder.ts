import { dtypeBytes } from "../dtype.js";
import { SchemaError } from "../errors.js";
import { sampleBytes } from "../sample-bytes.js";
import type { Field, RaggedValue, SampleValue } from "../schema.js";
import { encodeText } from "../utf8.js";

/** Offsets are int32, as `Binary`, `Utf8` and `List` have them. */
const MAX_VALUE_BYTES = 2 ** 31 - 1;

const NO_BYTES = new Uint8Array(0);

/** Values that are in the file already, at the beginning of the record batch's body. */
export interface WrittenValues {
  readonly byteLength: number;
}

/** The arrays of a column in the order of a walk through its type: the length of each, and the buffers of all. */
export interface ColumnArrays {
  readonly lengths: readonly number[];
  /** Views of the builder's memory, valid until it is cleared; an empty one for each validity bitmap. */
  readonly buffers: readonly (Uint8Array | WrittenValues)[];
}

/** Gathers the values of one field for a record batch. Its memory is kept from batch to batch. */
export class ColumnBuilder {
  readonly field: Field;
  /** Whether its values go to the file one by one and only their lengths are kept here. */
  readonly isStreamed: boolean;
  readonly #elementBytes: number;
  readonly #offsets: Int32Array;
  readonly #shapes: Int32Array;
  #data: Uint8Array = NO_BYTES;
  #dataBytes = 0;
  #rows = 0;

  constructor(field: Field, maxRows: number, isStreamed: boolean) {
    this.field = field;
    this.isStreamed = isStreamed;
    this.#elementBytes = field.kind === "tensor" || field.kind === "ragged" ? dtypeBytes(field.dtype) : 1;
    this.#offsets = new Int32Array(field.kind === "tensor" ? 0 : maxRows + 1);
    this.#shapes = new Int32Array(field.kind === "ragged" ? maxRows * field.rank : 0);
  }

  /**
   * The bytes of a value, sharing its memory where they can.
   * @throws SchemaError if Arrow cannot hold it.
   */
  encode(value: SampleValue): Uint8Array {
    const { name } = this.field;
    const bytes = typeof value === "string" ? encodeText(value, name) : sampleBytes(value);
    if (bytes.length > MAX_VALUE_BYTES) {
      throw new SchemaError({
        field: name,
        problem: "is too large",
        expected: "less than 2 GiB a value",
        found: `${bytes.length} bytes`,
      });
    }
    return bytes;
  }

  /** What the next value adds to the batch, in bytes, beside its own. */
  get overheadBytes(): number {
    switch (this.field.kind) {
      case "tensor":
        return 0;
      case "ragged":
        return 4 + 4 * this.field.rank;
      default:
        return 4;
    }
  }

  /** Accounts for a value, and copies its bytes to the end unless they are streamed. */
  append(value: SampleValue, bytes: Uint8Array): void {
    const end = this.#dataBytes + bytes.length;
    if (!this.isStreamed) this.#copy(bytes, end);
    this.#dataBytes = end;
    if (this.field.kind === "ragged") this.#shapes.set((value as RaggedValue).shape, this.#rows * this.field.rank);
    this.#rows++;
    if (this.#offsets.length > 0) this.#offsets[this.#rows] = end / this.#elementBytes;
  }

  /** What was gathered. */
  arrays(): ColumnArrays {
    const rows = this.#rows;
    const data = this.isStreamed ? { byteLength: this.#dataBytes } : this.#data.subarray(0, this.#dataBytes);
    const elements = this.#dataBytes / this.#elementBytes;
    const offsets = new Uint8Array(this.#offsets.buffer, 0, this.#offsets.length > 0 ? 4 * (rows + 1) : 0);
    switch (this.field.kind) {
      case "tensor":
        return this.field.shape.length === 0
          ? { lengths: [rows], buffers: [NO_BYTES, data] }
          : { lengths: [rows, elements], buffers: [NO_BYTES, NO_BYTES, data] };
      case "ragged": {
        const extents = rows * this.field.rank;
        const shapes = new Uint8Array(this.#shapes.buffer, 0, 4 * extents);
        return {
          lengths: [rows, rows, elements, rows, extents],
          buffers: [NO_BYTES, NO_BYTES, offsets, NO_BYTES, data, NO_BYTES, NO_BYTES, shapes],
        };
      }
      default:
        return { lengths: [rows], buffers: [NO_BYTES, offsets, data] };
    }
  }

  /** Forgets the values. */
  clear(): void {
    this.#dataBytes = 0;
    this.#rows = 0;
  }

  #copy(bytes: Uint8Array, end: number): void {
    if (end > this.#data.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.#data.length));
      grown.set(this.#data.subarray(0, this.#dataBytes));
      this.#data = grown;
    }
    this.#data.set(bytes, this.#dataBytes);
  }
}
