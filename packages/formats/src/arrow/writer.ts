import { AppendFile } from "../append-file.js";
import type { ShardWriter, ShardWriterOptions } from "../format.js";
import { checkSchema, type Field, type Sample, type SampleValue } from "../schema.js";
import { SequentialWriter, type SampleEncoder } from "../sequential-writer.js";
import { arrowSchemaOf } from "./arrow-schema.js";
import { ColumnBuilder } from "./column-builder.js";
import { IpcEncoder } from "./ipc-encoder.js";

/** A record batch is closed before it grows past this; a larger sample has one of its own. */
const BATCH_BYTES = 4 * 2 ** 20;

/** The most samples of a record batch. */
const BATCH_ROWS = 1024;

/**
 * Creates an Arrow file and its writer. It holds one record batch and a megabyte in memory, whatever the size of the
 * shard.
 * @throws SchemaError for an impossible schema; OptionError for an attribute; FileError if there is a file already.
 */
export async function createArrowWriter(path: string, options: ShardWriterOptions): Promise<ShardWriter> {
  checkSchema(options.schema);
  const ipc = new IpcEncoder(arrowSchemaOf(options.schema, options.attributes ?? new Map()));
  const file = await AppendFile.create(path);
  try {
    await file.append(ipc.begin());
  } catch (error) {
    await file.remove();
    throw error;
  }
  return new SequentialWriter(file, new BatchEncoder(options.schema.fields, ipc), options);
}

/** Gathers samples and gives the file a record batch at a time. */
class BatchEncoder implements SampleEncoder {
  readonly #columns: readonly ColumnBuilder[];
  /** The sample that was encoded last, which joins a batch when the file has taken the one before. */
  #next: readonly { column: ColumnBuilder; value: SampleValue; bytes: Uint8Array }[] = [];
  #nextBytes = 0;
  #isBatchGiven = false;
  #rows = 0;
  #bytes = 0;

  constructor(
    fields: readonly Field[],
    readonly ipc: IpcEncoder,
  ) {
    this.#columns = fields.map((field) => new ColumnBuilder(field, BATCH_ROWS));
  }

  encode(sample: Sample): readonly Uint8Array[] {
    this.#next = this.#columns.map((column) => {
      const value = sample.get(column.field.name) as SampleValue;
      return { column, value, bytes: column.encode(value) };
    });
    this.#nextBytes = this.#next.reduce((sum, { column, bytes }) => sum + column.overheadBytes + bytes.length, 0);
    this.#isBatchGiven = this.#rows === BATCH_ROWS || (this.#rows > 0 && this.#bytes + this.#nextBytes > BATCH_BYTES);
    return this.#isBatchGiven ? this.#batch() : [];
  }

  taken(): void {
    if (this.#isBatchGiven) {
      for (const column of this.#columns) column.clear();
      this.#rows = 0;
      this.#bytes = 0;
    }
    for (const { column, value, bytes } of this.#next) column.append(value, bytes);
    this.#next = [];
    this.#rows++;
    this.#bytes += this.#nextBytes;
  }

  async complete(file: AppendFile): Promise<void> {
    if (this.#rows > 0) await file.append(this.#batch());
    await file.append(this.ipc.end());
  }

  #batch(): readonly Uint8Array[] {
    return this.ipc.batch(
      this.#rows,
      this.#columns.map((column) => column.arrays()),
    );
  }
}
