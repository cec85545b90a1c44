import { ClosedError, OptionError } from "../errors.js";
import type { ShardWriter, ShardWriterOptions } from "../format.js";
import { checkSample, checkSchema, type Sample, type SampleValue } from "../schema.js";
import { arrowSchemaOf } from "./arrow-schema.js";
import { ColumnBuilder } from "./column-builder.js";
import { IpcFile } from "./ipc-file.js";

/** A record batch is closed before it grows past this; a larger sample has one of its own. */
const BATCH_BYTES = 4 * 2 ** 20;

/** The most samples of a record batch. */
const BATCH_ROWS = 1024;

/**
 * Creates an Arrow file and its writer. It holds one record batch in memory, whatever the size of the shard.
 * @throws SchemaError for an impossible schema; OptionError for an attribute; FileError if there is a file already.
 */
export async function createArrowWriter(path: string, options: ShardWriterOptions): Promise<ShardWriter> {
  checkSchema(options.schema);
  const schema = arrowSchemaOf(options.schema, options.attributes ?? new Map());
  return new ArrowWriter(await IpcFile.create(path, schema), options);
}

class ArrowWriter implements ShardWriter {
  readonly #columns: readonly ColumnBuilder[];
  #state: "open" | "failed" | "finished" | "aborted" = "open";
  #failure: unknown;
  /** What is under way; calls wait for the one before, so a batch is never changed while the file takes it. */
  #last: Promise<void> = Promise.resolve();
  #samples = 0;
  #rows = 0;
  #bytes = 0;

  constructor(
    readonly file: IpcFile,
    readonly options: ShardWriterOptions,
  ) {
    this.#columns = options.schema.fields.map((field) => new ColumnBuilder(field, BATCH_ROWS));
  }

  write(sample: Sample): Promise<void> {
    return this.#inTurn(() => this.#write(sample));
  }

  finish(): Promise<void> {
    return this.#inTurn(async () => {
      this.#checkOpen();
      await this.#orFail(async () => {
        await this.#flush();
        await this.file.finish();
      });
      this.#state = "finished";
    });
  }

  abort(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#state === "finished" || this.#state === "aborted") return;
      this.#state = "aborted";
      await this.file.remove();
    });
  }

  #inTurn(action: () => Promise<void>): Promise<void> {
    const done = this.#last.then(action);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #write(sample: Sample): Promise<void> {
    this.#checkOpen();
    const { schema, expectedSamples } = this.options;
    checkSample(schema, sample);
    if (expectedSamples !== undefined && this.#samples >= expectedSamples) {
      throw new OptionError({
        file: this.file.path,
        option: "expectedSamples",
        problem: "more samples are written than were announced",
        expected: `at most ${expectedSamples}`,
      });
    }
    const parts = this.#columns.map((column) => {
      const value = sample.get(column.field.name) as SampleValue;
      return { column, value, bytes: column.encode(value) };
    });
    const size = parts.reduce((sum, { column, bytes }) => sum + column.overheadBytes + bytes.length, 0);
    if (this.#rows === BATCH_ROWS || (this.#rows > 0 && this.#bytes + size > BATCH_BYTES))
      await this.#orFail(() => this.#flush());
    for (const { column, value, bytes } of parts) column.append(value, bytes);
    this.#samples++;
    this.#rows++;
    this.#bytes += size;
  }

  async #flush(): Promise<void> {
    if (this.#rows === 0) return;
    await this.file.writeBatch(
      this.#rows,
      this.#columns.map((column) => column.arrays()),
    );
    for (const column of this.#columns) column.clear();
    this.#rows = 0;
    this.#bytes = 0;
  }

  async #orFail(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#state = "failed";
      this.#failure = error;
      throw error;
    }
  }

  #checkOpen(): void {
    if (this.#state === "open") return;
    throw new ClosedError({
      file: this.file.path,
      problem: this.#state === "failed" ? "writing the shard has failed" : `the shard is ${this.#state}`,
      fix: "create a new shard",
      cause: this.#failure,
    });
  }
}
