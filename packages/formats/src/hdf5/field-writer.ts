import { bytesOf, dtypeBytes, type TypedArray } from "../dtype.js";
import type { Field, RaggedValue, SampleValue, TensorField } from "../schema.js";
import { MAX_TEXT_BYTES, runColumns, tensorColumn, type ColumnSpec } from "./layout.js";
import type { NewDataset } from "./skeleton.js";
import { Spool, type Place } from "./spool.js";

/** A dataset with its elements. */
export interface FinishedColumn {
  readonly dataset: NewDataset;
  /** Its bytes, in pieces that are valid until the next one; `undefined` if they already are at their place. */
  readonly pieces: (() => Iterable<Uint8Array>) | undefined;
}

/** Takes the values of one field and keeps them until it is known where they belong. */
export interface FieldWriter {
  /** Strings come as their UTF-8. */
  append(value: Exclude<SampleValue, string>): void;
  /** The field's datasets for `samples` samples. `inPlace`: the room made at the beginning is the right one. */
  finish(samples: number, inPlace: boolean): FinishedColumn[];
  /** Frees memory and files. Idempotent. */
  close(): void;
}

/** `path`: of the shard. `place`: where the rows of a tensor begin in it, if room was made for them. */
export function openFieldWriter(path: string, field: Field, place?: Place): FieldWriter {
  if (field.kind === "tensor") return new TensorWriter(path, field, place);
  return field.kind === "string" ? new TextWriter(path, field) : new RunsWriter(path, field);
}

function datasetOf({ path, dtype, rowShape }: ColumnSpec, rows: number): NewDataset {
  return { path, element: dtype, shape: [rows, ...rowShape] };
}

class TensorWriter implements FieldWriter {
  readonly #column: ColumnSpec;
  readonly #spool: Spool;

  constructor(
    path: string,
    field: TensorField,
    readonly place: Place | undefined,
  ) {
    this.#column = tensorColumn(field);
    this.#spool = new Spool(path, field.name, place);
  }

  append(value: Exclude<SampleValue, string>): void {
    this.#spool.append(bytesOf(value as TypedArray));
  }

  finish(samples: number, inPlace: boolean): FinishedColumn[] {
    const dataset = datasetOf(this.#column, samples);
    if (!inPlace || this.place === undefined) return [{ dataset, pieces: () => this.#spool.pieces() }];
    this.#spool.flush();
    return [{ dataset, pieces: undefined }];
  }

  close(): void {
    this.#spool.close();
  }
}

/** An int64 as bytes, in memory that the next call uses again. */
function int64(value: number): Uint8Array {
  SCRATCH.writeBigInt64LE(BigInt(value));
  return SCRATCH;
}

const SCRATCH = Buffer.alloc(8);

class RunsWriter implements FieldWriter {
  readonly #unit: number;
  readonly data: Spool;
  readonly offsets: Spool;
  readonly #shapes: Spool;

  constructor(
    path: string,
    readonly field: Exclude<Field, TensorField>,
  ) {
    const columns = runColumns(field);
    this.#unit = dtypeBytes(columns.data.dtype);
    this.data = new Spool(path, columns.data.path);
    this.offsets = new Spool(path, columns.offsets.path);
    this.#shapes = new Spool(path, `${field.name}/shapes`);
    this.offsets.append(int64(0));
  }

  append(value: Exclude<SampleValue, string>): void {
    const { data, shape } =
      this.field.kind === "ragged" ? (value as RaggedValue) : { data: value as TypedArray, shape: [] };
    for (const extent of shape) this.#shapes.append(int64(extent));
    this.appendBytes(bytesOf(data));
  }

  appendBytes(bytes: Uint8Array): void {
    this.data.append(bytes);
    this.offsets.append(int64(this.data.byteLength / this.#unit));
  }

  finish(samples: number): FinishedColumn[] {
    const { data, offsets, shapes } = runColumns(this.field);
    const finished: FinishedColumn[] = [
      { dataset: datasetOf(data, this.data.byteLength / this.#unit), pieces: () => this.data.pieces() },
      { dataset: datasetOf(offsets, samples + 1), pieces: () => this.offsets.pieces() },
    ];
    if (shapes !== undefined)
      finished.push({ dataset: datasetOf(shapes, samples), pieces: () => this.#shapes.pieces() });
    return finished;
  }

  close(): void {
    for (const spool of [this.data, this.offsets, this.#shapes]) spool.close();
  }
}

/** Strings: at fixed length, or as runs where that would lose or waste something. */
class TextWriter implements FieldWriter {
  readonly #runs: RunsWriter;
  #longest = 1;
  #endsInZero = false;

  constructor(
    path: string,
    readonly field: Exclude<Field, TensorField>,
  ) {
    this.#runs = new RunsWriter(path, field);
  }

  append(value: Exclude<SampleValue, string>): void {
    const bytes = value as Uint8Array;
    this.#longest = Math.max(this.#longest, bytes.length);
    this.#endsInZero ||= bytes.at(-1) === 0;
    this.#runs.appendBytes(bytes);
  }

  finish(samples: number): FinishedColumn[] {
    if (this.#endsInZero || this.#longest > MAX_TEXT_BYTES) return this.#runs.finish(samples);
    const dataset = { path: this.field.name, element: { text: this.#longest }, shape: [samples] };
    return [{ dataset, pieces: () => padded(this.#runs, this.#longest) }];
  }

  close(): void {
    this.#runs.close();
  }
}

/** Each string with zeros after it, in rows of `rowBytes`. */
function* padded(runs: RunsWriter, rowBytes: number): Generator<Uint8Array> {
  const bytes = new PieceReader(runs.data.pieces());
  const offsets = new PieceReader(runs.offsets.pieces());
  const next = (): number => Number(Buffer.from(offsets.take(8)).readBigInt64LE());
  const rows = Math.max(1, Math.floor(PADDED_BYTES / rowBytes));
  let left = runs.offsets.byteLength / 8 - 1;
  for (let previous = next(); left > 0;) {
    const piece = new Uint8Array(Math.min(rows, left) * rowBytes);
    for (let at = 0; at < piece.length; at += rowBytes, left--) {
      const end = next();
      piece.set(bytes.take(end - previous), at);
      previous = end;
    }
    yield piece;
  }
}

/** How much of padded strings is made at once. */
const PADDED_BYTES = 2 ** 20;

/** Takes any number of bytes from a sequence of pieces. */
class PieceReader {
  readonly #pieces: Iterator<Uint8Array>;
  #piece: Uint8Array = new Uint8Array();

  constructor(pieces: Iterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.iterator]();
  }

  take(length: number): Uint8Array {
    const taken = new Uint8Array(length);
    for (let done = 0; done < length;) {
      if (this.#piece.length === 0) this.#piece = this.#pieces.next().value as Uint8Array;
      const part = this.#piece.subarray(0, length - done);
      taken.set(part, done);
      done += part.length;
      this.#piece = this.#piece.subarray(part.length);
    }
    return taken;
  }
}
