import type { ByteSource } from "../byte-source.js";
import { ClosedError, CorruptShardError } from "../errors.js";
import type { Extents } from "../extents.js";
import type { OpenReaderOptions, ShardReader } from "../format.js";
import { checkRowNumber } from "../row-number.js";
import { parseSchemaText, SCHEMA_KEY } from "../schema-text.js";
import { checkSchema, fieldOf, type Field, type Sample, type SampleValue, type Schema } from "../schema.js";
import { ShardFile } from "../shard-file.js";
import { checkRecord } from "./check-record.js";
import { decodeField } from "./decode-field.js";
import { walkExample } from "./example.js";
import { FeatureSlots } from "./feature-slots.js";
import { CheckedSource, checkPayload } from "./framing.js";
import { inferSchema } from "./infer-schema.js";
import { readMetadata, type ShardMetadata } from "./metadata.js";
import { openRecords } from "./open-records.js";
import { recordExtents, type RecordPlaces } from "./record-extents.js";
import { indexRecords, type RecordIndex } from "./record-index.js";
import { WireCursor } from "./wire-cursor.js";

/**
 * Opens a TFRecord file by reading the header of every record, and the first record. A file that is compressed as a
 * whole is decompressed into memory.
 * @throws CorruptShardError, UnsupportedError or FileError; never anything else, whatever the file holds.
 */
export async function openTfrecordReader(path: string, options: OpenReaderOptions = {}): Promise<ShardReader> {
  const source = await openRecords(path);
  try {
    const index = indexRecords(source);
    const cursor = new WireCursor(source);
    const described = describe(cursor, index, options.schema);
    return new TfrecordReader(source, index, described, options.verify ?? true);
  } catch (error) {
    source.close();
    throw error;
  }
}

interface Described {
  readonly schema: Schema;
  readonly attributes: ReadonlyMap<string, string>;
}

/** The schema that the file keeps, else the one that was given, else what its records look like. */
function describe(cursor: WireCursor, index: RecordIndex, given: Schema | undefined): Described {
  const { path } = cursor.source;
  if (given !== undefined) checkSchema(given);
  const metadata = metadataOf(cursor, index, given !== undefined);
  const text = metadata?.attributes.get(SCHEMA_KEY);
  if (metadata !== undefined && text !== undefined) {
    checkSamples(path, metadata.samples, index.length);
    const attributes = new Map([...metadata.attributes].filter(([name]) => name !== SCHEMA_KEY));
    return { schema: parseSchemaText(text, path), attributes };
  }
  if (given !== undefined) return { schema: given, attributes: new Map() };
  if (index.length > 0) return { schema: inferSchema(cursor, index), attributes: new Map() };
  throw new CorruptShardError({
    file: path,
    problem: "the file is empty",
    expected: "a record",
    fix: "copy the file again; a shard without samples opens with its data set only",
  });
}

/** With a schema that was given, damage to the first record is the damage of one sample. */
function metadataOf(cursor: WireCursor, index: RecordIndex, isGiven: boolean): ShardMetadata | undefined {
  if (index.length === 0) return undefined;
  const [offset, byteLength] = [index.offset(0), index.byteLength(0)];
  if (!checkPayload(cursor.source, offset, byteLength).isRight) {
    if (isGiven) return undefined;
    checkRecord(cursor.source, index, 0);
  }
  return readMetadata(cursor, offset, byteLength);
}

function checkSamples(file: string, expected: number, found: number): void {
  if (expected === found) return;
  throw new CorruptShardError({
    file,
    problem: "holds another number of samples than it says itself",
    expected: `${expected}`,
    found: `${found}`,
    fix: "copy the file again; shards cannot be cut or joined",
  });
}

/** Many shards are open at a time, so each keeps little. */
const CURSOR_BYTES = 4096;

class TfrecordReader implements ShardReader {
  readonly path: string;
  readonly schema: Schema;
  readonly length: number;
  readonly attributes: ReadonlyMap<string, string>;
  readonly #cursor: WireCursor;
  readonly #index: RecordIndex;
  readonly #slots: FeatureSlots;
  /** The record that `#slots` tells of, or -1. */
  #located = -1;
  #places: ReadonlyMap<string, RecordPlaces> | undefined;
  /** A bit a row, for those whose checksum was checked; `undefined` to check none. */
  readonly #verified: Uint8Array | undefined;
  #closed = false;

  constructor(source: ByteSource, index: RecordIndex, described: Described, verify: boolean) {
    this.path = source.path;
    this.schema = described.schema;
    this.attributes = described.attributes;
    this.length = index.length;
    this.#cursor = new WireCursor(new CheckedSource(source), CURSOR_BYTES);
    this.#index = index;
    this.#slots = new FeatureSlots(described.schema);
    this.#verified = verify ? new Uint8Array(Math.ceil(index.length / 8)) : undefined;
  }

  extents(field: string): Extents | undefined {
    return this.#placesOf(field)?.extents;
  }

  shapes(field: string): Int32Array | undefined {
    return this.#placesOf(field)?.shapes;
  }

  readField(row: number, name: string): SampleValue {
    const field = this.#fieldOf(name);
    checkRowNumber(this.path, row, this.length);
    this.#verify(row);
    this.#locate(row);
    const places = this.#slots.places[this.schema.fields.indexOf(field)];
    return decodeField({ source: this.#cursor.source, field, sample: row }, places?.value, places?.shape);
  }

  read(row: number): Sample {
    return new Map(this.schema.fields.map(({ name }) => [name, this.readField(row, name)]));
  }

  checkRow(row: number): void {
    checkRowNumber(this.path, row, this.length);
    const { source } = this.#cursor;
    const opened = this.#closed && source.isPlain ? new ShardFile(this.path) : undefined;
    try {
      checkRecord(opened ?? source, this.#index, row);
    } finally {
      opened?.close();
    }
  }

  close(): void {
    this.#closed = true;
    this.#cursor.source.close();
  }

  #placesOf(field: string): RecordPlaces | undefined {
    this.#fieldOf(field);
    if (!this.#cursor.source.isPlain) return undefined;
    this.#places ??= recordExtents(this.#cursor.source, this.#index, this.schema);
    return this.#places.get(field);
  }

  #fieldOf(name: string): Field {
    if (this.#closed) throw new ClosedError({ file: this.path, problem: "the shard is closed" });
    return fieldOf(this.schema, name);
  }

  #verify(row: number): void {
    const bits = this.#verified;
    if (bits === undefined || ((bits[row >> 3] as number) & (1 << (row & 7))) !== 0) return;
    this.checkRow(row);
    bits[row >> 3] = (bits[row >> 3] as number) | (1 << (row & 7));
  }

  /** Finds the features of a record, which the fields of one sample share. */
  #locate(row: number): void {
    if (this.#located === row) return;
    this.#located = -1;
    this.#slots.clear();
    const record = { row, offset: this.#index.offset(row), byteLength: this.#index.byteLength(row) };
    walkExample(this.#cursor, record, (key, place) => this.#slots.take(key, place));
    this.#located = row;
  }
}
