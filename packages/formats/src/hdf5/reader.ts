import { encodingOf } from "../encoding-of.js";
import { ClosedError, CorruptShardError } from "../errors.js";
import type { Extents } from "../extents.js";
import type { OpenReaderOptions, ShardReader } from "../format.js";
import { checkRowNumber } from "../row-number.js";
import { parseSchemaText, SCHEMA_KEY } from "../schema-text.js";
import { fieldOf, type Field, type Sample, type SampleValue, type Schema } from "../schema.js";
import type { Column } from "./columns/index.js";
import { inferSchema } from "./infer-schema.js";
import { LibraryFile } from "./library-file.js";
import { openLibrary } from "./library.js";
import { openMetadata, type Hdf5Metadata } from "./metadata.js";
import { openColumns } from "./open-columns.js";

/**
 * Opens an HDF5 shard: one that millrace wrote, or any file whose datasets share their first extent. The schema is the
 * file's own, else the one of the options, else that of all datasets.
 */
export async function openHdf5Reader(path: string, options: OpenReaderOptions = {}): Promise<ShardReader> {
  const file = openMetadata(path);
  const library = new LazyLibrary(path);
  try {
    const text = file.attributes.get(SCHEMA_KEY);
    const known = text === undefined ? options.schema : parseSchemaText(text, path);
    const described = known ?? inferSchema(file);
    const columns = await openColumns(file, described, () => library.open());
    const schema = known ?? withEncodings(described, columns);
    const attributes = new Map([...file.attributes].filter(([name]) => name !== SCHEMA_KEY));
    return new Hdf5Reader(file, library, { schema, columns, attributes, length: commonLength(path, columns) });
  } catch (error) {
    file.file.close();
    library.close();
    throw error;
  }
}

/** The file in the HDF5 library, opened at first use. */
class LazyLibrary {
  #file: LibraryFile | undefined;

  constructor(readonly path: string) {}

  async open(): Promise<LibraryFile> {
    this.#file ??= new LibraryFile(await openLibrary(), this.path);
    return this.#file;
  }

  close(): void {
    this.#file?.close();
  }
}

/** An inferred schema with the encodings of its bytes, which the first sample tells. */
function withEncodings(schema: Schema, columns: ReadonlyMap<string, Column>): Schema {
  const encoded = (field: Field): Field => {
    const column = columns.get(field.name);
    if (field.kind !== "bytes" || column === undefined || column.length === 0) return field;
    return { ...field, encoding: encodingOf(column.read(0) as Uint8Array) };
  };
  return { fields: schema.fields.map(encoded) };
}

function commonLength(path: string, columns: ReadonlyMap<string, Column>): number {
  const [first, ...others] = [...columns];
  const length = first?.[1].length ?? 0;
  for (const [field, column] of others) {
    if (column.length === length) continue;
    throw new CorruptShardError({
      file: path,
      field,
      problem: "has another number of samples than the field before",
      expected: `${length}`,
      found: `${column.length}`,
      fix: "copy the file again, or repeat the conversion",
    });
  }
  return length;
}

interface Parts {
  readonly schema: Schema;
  readonly length: number;
  readonly attributes: ReadonlyMap<string, string>;
  readonly columns: ReadonlyMap<string, Column>;
}

class Hdf5Reader implements ShardReader {
  readonly path: string;
  readonly schema: Schema;
  readonly length: number;
  readonly attributes: ReadonlyMap<string, string>;
  readonly #columns: ReadonlyMap<string, Column>;
  readonly #file: Hdf5Metadata;
  readonly #library: LazyLibrary;
  #closed = false;

  constructor(file: Hdf5Metadata, library: LazyLibrary, parts: Parts) {
    this.path = file.file.path;
    this.schema = parts.schema;
    this.length = parts.length;
    this.attributes = parts.attributes;
    this.#columns = parts.columns;
    this.#file = file;
    this.#library = library;
  }

  extents(field: string): Extents | undefined {
    return this.#column(field).extents();
  }

  shapes(field: string): Int32Array | undefined {
    return this.#column(field).shapes?.();
  }

  readField(row: number, field: string): SampleValue {
    const column = this.#column(field);
    checkRowNumber(this.path, row, this.length);
    return column.read(row);
  }

  read(row: number): Sample {
    return new Map(this.schema.fields.map(({ name }) => [name, this.readField(row, name)]));
  }

  close(): void {
    this.#closed = true;
    this.#file.file.close();
    this.#library.close();
  }

  #column(field: string): Column {
    if (this.#closed) throw new ClosedError({ file: this.path, problem: "the shard is closed" });
    fieldOf(this.schema, field);
    return this.#columns.get(field) as Column;
  }
}
