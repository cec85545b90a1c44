import { bytesOf, createArray } from "../dtype.js";
import { byteLengthOf, offsetOf, type Extents } from "../extents.js";
import type { ShardReader } from "../format.js";
import { raggedShapes } from "../ragged-shapes.js";
import { checkRowNumber } from "../row-number.js";
import { SCHEMA_KEY } from "../schema-text.js";
import { elementsOf, fieldOf, type Sample, type SampleValue, type Schema } from "../schema.js";
import { ShardFile } from "../shard-file.js";
import { decodeText } from "../utf8.js";
import { batchOf, lengthOf, readBatches, type Batch } from "./batch.js";
import { Buffers } from "./buffers.js";
import { loadDecoders, type Codec } from "./codec.js";
import { dictionaryExtents, placeOf, tensorExtents, valueExtents } from "./column-extents.js";
import { Dictionaries } from "./dictionaries.js";
import { encodingsOf } from "./encodings-of.js";
import { readFooter } from "./footer.js";
import { kindOf } from "./head.js";
import { columnsOf, metadataOf, schemaOf, type Column } from "./layout.js";
import { readRagged, readShapes } from "./ragged.js";
import { readStream } from "./stream.js";
import { readDictionaryValue, readValue } from "./value.js";

/**
 * Opens an Arrow file by reading its footer, or a stream by a scan of its messages, and the metadata of the record
 * batches; no value is read.
 * @throws CorruptShardError, UnsupportedError or FileError; never anything else, whatever the file holds.
 */
export async function openArrowReader(path: string): Promise<ShardReader> {
  const file = new ShardFile(path);
  try {
    const index = kindOf(file) === "file" ? readFooter(file) : readStream(file);
    const attributes = metadataOf(index.schema, index.bytes);
    const columns = columnsOf(index, path, encodingsOf(attributes.get(SCHEMA_KEY), path));
    attributes.delete(SCHEMA_KEY);
    const batches = readBatches(file, index.recordBatches, columns);
    const dictionaries = new Dictionaries(file, index, columns);
    const decoders = await loadDecoders(codecsOf([...batches, ...dictionaries.batches]));
    return new ArrowReader(columns, attributes, batches, dictionaries, {
      rows: new Buffers(file, decoders),
      values: new Buffers(file, decoders),
    });
  } catch (error) {
    file.close();
    throw error;
  }
}

/** How buffers of these batches are compressed. */
function codecsOf(batches: readonly Batch[]): ReadonlySet<Codec> {
  const codecs = new Set<Codec>();
  let last: Batch["places"] | undefined;
  for (const { places } of batches) {
    if (places === last) continue;
    last = places;
    for (const { data, offsets, shapes, values } of places) {
      for (const region of [data, offsets, shapes, ...(values ?? [])])
        if (region?.packed !== undefined) codecs.add(region.packed.codec);
    }
  }
  return codecs;
}

class ArrowReader implements ShardReader {
  readonly path: string;
  readonly schema: Schema;
  readonly length: number;
  readonly #columns: ReadonlyMap<string, { readonly column: Column; readonly at: number }>;
  readonly #extents = new Map<string, Extents | undefined>();
  readonly #shapes = new Map<string, Int32Array | undefined>();

  constructor(
    columns: readonly Column[],
    readonly attributes: ReadonlyMap<string, string>,
    readonly batches: readonly Batch[],
    readonly dictionaries: Dictionaries,
    readonly buffers: { readonly rows: Buffers; readonly values: Buffers },
  ) {
    this.path = buffers.rows.file.path;
    this.schema = schemaOf(columns);
    this.#columns = new Map(columns.map((column, at) => [column.field.name, { column, at }]));
    this.length = lengthOf(batches);
  }

  extents(field: string): Extents | undefined {
    const { name } = fieldOf(this.schema, field);
    if (this.#extents.has(name)) return this.#extents.get(name);
    const extents = this.#findExtents(name);
    this.#extents.set(name, extents);
    return extents;
  }

  shapes(field: string): Int32Array | undefined {
    const { column, at } = this.#column(field);
    if (column.kind !== "ragged") return undefined;
    if (!this.#shapes.has(field)) {
      const extents = this.extents(field);
      const shapes = extents && raggedShapes(column.field, extents, readShapes(this.buffers.rows, column, at, this));
      this.#shapes.set(field, shapes);
    }
    return this.#shapes.get(field);
  }

  readField(row: number, field: string): SampleValue {
    const { column, at } = this.#column(field);
    checkRowNumber(this.path, row, this.length);
    const batch = batchOf(this.batches, row);
    switch (column.kind) {
      case "tensor": {
        const array = createArray(column.field.dtype, elementsOf(column.field.shape));
        const from = (row - batch.start) * column.rowBytes;
        this.buffers.rows.readInto(bytesOf(array), batch, placeOf(batch, at).data, from);
        return array;
      }
      case "ragged":
        return readRagged(this.buffers.rows, column, batch, placeOf(batch, at), row - batch.start);
      default: {
        const bytes = this.#readBytes(row, column, at, batch);
        return column.field.kind === "bytes" ? bytes : decodeText(bytes, { file: this.path, sample: row, field });
      }
    }
  }

  read(row: number): Sample {
    return new Map(this.schema.fields.map(({ name }) => [name, this.readField(row, name)]));
  }

  close(): void {
    this.buffers.rows.file.close();
  }

  #readBytes(
    row: number,
    column: Exclude<Column, { kind: "tensor" | "ragged" }>,
    at: number,
    batch: Batch,
  ): Uint8Array {
    const extents = this.extents(column.field.name);
    if (extents !== undefined) {
      const bytes = new Uint8Array(byteLengthOf(extents, row));
      this.buffers.rows.file.readInto(bytes, offsetOf(extents, row));
      return bytes;
    }
    if (column.kind !== "dictionary") return readValue(this.buffers.rows, column, at, batch, row - batch.start);
    const dictionary = this.dictionaries.of(column, batch);
    return readDictionaryValue(this.buffers, column, at, batch, row - batch.start, dictionary);
  }

  #findExtents(field: string): Extents | undefined {
    const { column, at } = this.#column(field);
    const { batches, dictionaries, buffers } = this;
    switch (column.kind) {
      case "tensor":
        return tensorExtents(column, at, batches);
      case "dictionary":
        return dictionaryExtents(buffers.rows, column, at, batches, (batch) =>
          dictionaries.extentsOf(buffers.values, column, dictionaries.of(column, batch)),
        );
      default:
        return valueExtents(buffers.rows, column, at, batches);
    }
  }

  #column(name: string): { readonly column: Column; readonly at: number } {
    return this.#columns.get(fieldOf(this.schema, name).name) as { column: Column; at: number };
  }
}
