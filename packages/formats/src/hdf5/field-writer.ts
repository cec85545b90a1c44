import { dtypeBytes } from "../dtype.js";
import type { Field, RaggedValue, SampleValue } from "../schema.js";
import { sampleBytes } from "../sample-bytes.js";
import { encodeText } from "../utf8.js";
import type { NewElement } from "./encode/index.js";
import { runColumns, tensorColumn, type ColumnSpec } from "./layout.js";
import { Spool, SPOOL_BYTES } from "./spool.js";
import { padded, TextLengths } from "./text-column.js";

/** A dataset of a field that is complete. */
export interface FinishedColumn {
  readonly path: string;
  readonly element: NewElement;
  readonly shape: readonly number[];
  /** Its bytes, in pieces that are valid until the next one; `undefined` where the file has them already. */
  readonly pieces: (() => Iterable<Uint8Array>) | undefined;
}

/**
 * Takes the values of one field. Their elements are kept until it is known where they belong, unless the file takes
 * them at once; where each sample begins, and its shape, is always kept.
 */
export class FieldWriter {
  readonly #data: Spool;
  readonly #offsets: Spool;
  readonly #shapes: Spool;
  readonly #lengths = new TextLengths();
  #bytes = 0;

  /** `path`: of the shard. */
  constructor(
    path: string,
    readonly field: Field,
  ) {
    this.#data = new Spool(path);
    this.#offsets = new Spool(path);
    this.#shapes = new Spool(path);
    if (field.kind !== "tensor") this.#offsets.append(int64(0));
  }

  /** Bytes of all elements so far. */
  get byteLength(): number {
    return this.#bytes;
  }

  /** True if so many more bytes do not fit in memory. */
  wouldSpill(bytes: number): boolean {
    return this.#data.byteLength + bytes > SPOOL_BYTES;
  }

  /**
   * The elements of a value, sharing its memory.
   * @throws SchemaError for a text that UTF-8 cannot hold.
   */
  encode(value: SampleValue): Uint8Array {
    return typeof value === "string" ? encodeText(value, this.field.name) : sampleBytes(value);
  }

  /** Keeps a value, with the bytes that {@link encode} gave; not the bytes themselves where the file has taken them. */
  append(value: SampleValue, bytes: Uint8Array, isStored: boolean): void {
    if (!isStored) this.#data.append(bytes);
    this.#bytes += bytes.length;
    const { field } = this;
    if (field.kind === "tensor") return;
    if (field.kind === "string") this.#lengths.add(bytes);
    if (field.kind === "ragged") for (const extent of (value as RaggedValue).shape) this.#shapes.append(int64(extent));
    this.#offsets.append(int64(this.#bytes / (field.kind === "ragged" ? dtypeBytes(field.dtype) : 1)));
  }

  /** The elements that are kept, in pieces that are valid until the next one. */
  pieces(): Iterable<Uint8Array> {
    return this.#data.pieces();
  }

  /** Forgets the elements that are kept, as the file has taken them. */
  forget(): void {
    this.#data.close();
  }

  /** The field's datasets for `samples` samples. `isStored`: the file has taken the elements. */
  finish(samples: number, isStored: boolean): FinishedColumn[] {
    const { field } = this;
    const pieces = isStored ? undefined : (): Iterable<Uint8Array> => this.#data.pieces();
    if (field.kind === "tensor") return [columnOf(tensorColumn(field), samples, pieces)];
    const text = field.kind === "string" ? this.#lengths.fixed : undefined;
    if (text !== undefined) {
      const texts = (): Iterable<Uint8Array> => padded(this.#data, this.#offsets, text);
      return [{ path: field.name, element: { text }, shape: [samples], pieces: texts }];
    }
    const { data, offsets, shapes } = runColumns(field);
    const columns = [
      columnOf(data, this.#bytes / dtypeBytes(data.dtype), pieces),
      columnOf(offsets, samples + 1, () => this.#offsets.pieces()),
    ];
    if (shapes !== undefined) columns.push(columnOf(shapes, samples, () => this.#shapes.pieces()));
    return columns;
  }

  /** Frees memory and files. Idempotent. */
  close(): void {
    for (const spool of [this.#data, this.#offsets, this.#shapes]) spool.close();
  }
}

function columnOf(
  { path, dtype, rowShape }: ColumnSpec,
  rows: number,
  pieces: FinishedColumn["pieces"],
): FinishedColumn {
  return { path, element: dtype, shape: [rows, ...rowShape], pieces };
}

/** An int64 as bytes, in memory that the next call uses again. */
function int64(value: number): Uint8Array {
  SCRATCH.writeBigInt64LE(BigInt(value));
  return SCRATCH;
}

const SCRATCH = Buffer.alloc(8);
