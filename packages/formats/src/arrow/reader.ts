import { bytesOf, createArray } from "../dtype.js";
import { byteLengthOf, offsetOf, type Extents } from "../extents.js";
import type { ShardReader } from "../format.js";
import { checkRowNumber } from "../row-number.js";
import { SCHEMA_KEY } from "../schema-text.js";
import { elementsOf, fieldOf, type Sample, type SampleValue, type Schema } from "../schema.js";
import { ShardFile } from "../shard-file.js";
import { decodeText } from "../utf8.js";
import { dictionaryExtents, lengthOf, tensorExtents, variableExtents } from "./column-extents.js";
import { Dictionaries } from "./dictionaries.js";
import { encodingsOf } from "./encodings-of.js";
import { readFooter, type ArrowFooter } from "./footer.js";
import { columnsOf, metadataOf, schemaOf, type Column } from "./layout.js";
import { readRecordBatch } from "./message.js";
import { placesOf, type Place } from "./place.js";
import { readRagged } from "./ragged.js";

/**
 * Opens an Arrow file by reading its footer and the metadata of its record batches; no value is read.
 * @throws CorruptShardError, UnsupportedError or FileError; never anything else, whatever the file holds.
 */
export function openArrowReader(path: string): ShardReader {
  const file = new ShardFile(path);
  try {
    const footer = readFooter(file);
    const attributes = metadataOf(footer.schema, footer.bytes);
    const columns = columnsOf(footer, path, encodingsOf(attributes.get(SCHEMA_KEY), path));
    attributes.delete(SCHEMA_KEY);
    return new ArrowReader(
      file,
      columns,
      attributes,
      batchPlaces(file, footer, columns),
      new Dictionaries(file, footer, columns),
    );
  } catch (error) {
    file.close();
    throw error;
  }
}

/** For each column its places in the batches that have rows. */
function batchPlaces(file: ShardFile, footer: ArrowFooter, columns: readonly Column[]): Map<string, Place[]> {
  const places = new Map<string, Place[]>(columns.map((column) => [column.field.name, []]));
  let start = 0;
  for (const block of footer.recordBatches) {
    const batch = readRecordBatch(file, block);
    const found = placesOf(columns, batch, start, file.path);
    if (batch.rows === 0) continue;
    for (const [index, column] of columns.entries()) places.get(column.field.name)?.push(found[index] as Place);
    start += batch.rows;
  }
  return places;
}

class ArrowReader implements ShardReader {
  readonly path: string;
  readonly schema: Schema;
  readonly length: number;
  readonly #columns: ReadonlyMap<string, Column>;
  readonly #extents = new Map<string, Extents>();

  constructor(
    readonly file: ShardFile,
    columns: readonly Column[],
    readonly attributes: ReadonlyMap<string, string>,
    readonly places: ReadonlyMap<string, readonly Place[]>,
    readonly dictionaries: Dictionaries,
  ) {
    this.path = file.path;
    this.schema = schemaOf(columns);
    this.#columns = new Map(columns.map((column) => [column.field.name, column]));
    this.length = lengthOf(this.#placesOf(columns[0] as Column));
  }

  extents(field: string): Extents | undefined {
    const column = this.#column(field);
    return column.kind === "ragged" ? undefined : this.#extentsOf(column);
  }

  readField(row: number, field: string): SampleValue {
    const column = this.#column(field);
    checkRowNumber(this.path, row, this.length);
    switch (column.kind) {
      case "tensor": {
        const place = this.#placeOf(column, row);
        const array = createArray(column.field.dtype, elementsOf(column.field.shape));
        this.file.readInto(bytesOf(array), place.data.offset + (row - place.start) * column.rowBytes);
        return array;
      }
      case "ragged": {
        const place = this.#placeOf(column, row);
        return readRagged(this.file, column, place, row - place.start);
      }
      case "variable":
      case "dictionary": {
        const extents = this.#extentsOf(column);
        const bytes = new Uint8Array(byteLengthOf(extents, row));
        this.file.readInto(bytes, offsetOf(extents, row));
        return column.field.kind === "bytes" ? bytes : decodeText(bytes, { file: this.path, sample: row, field });
      }
    }
  }

  read(row: number): Sample {
    return new Map(this.schema.fields.map(({ name }) => [name, this.readField(row, name)]));
  }

  close(): void {
    this.file.close();
  }

  #column(name: string): Column {
    return this.#columns.get(fieldOf(this.schema, name).name) as Column;
  }

  #extentsOf(column: Exclude<Column, { kind: "ragged" }>): Extents {
    const { name } = column.field;
    const known = this.#extents.get(name);
    if (known !== undefined) return known;
    const places = this.#placesOf(column);
    const extents =
      column.kind === "tensor"
        ? tensorExtents(column, places)
        : column.kind === "variable"
          ? variableExtents(this.file, column, places)
          : dictionaryExtents(this.file, column, places, this.dictionaries.valuesOf(column));
    this.#extents.set(name, extents);
    return extents;
  }

  #placesOf(column: Column): readonly Place[] {
    return this.places.get(column.field.name) ?? [];
  }

  /** The batch of a row, by bisection. */
  #placeOf(column: Column, row: number): Place {
    const places = this.#placesOf(column);
    let low = 0;
    for (let high = places.length - 1; low < high;) {
      const middle = (low + high + 1) >>> 1;
      if ((places[middle] as Place).start <= row) low = middle;
      else high = middle - 1;
    }
    return places[low] as Place;
  }
}
