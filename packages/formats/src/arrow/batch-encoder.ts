import type { AppendFile } from "../append-file.js";
import type { ChecksummedBytes } from "../combined-checksum.js";
import { tensorBytes, type Field, type Sample, type SampleValue } from "../schema.js";
import type { SampleEncoder } from "../sequential-writer.js";
import { ColumnBuilder } from "./column-builder.js";
import type { IpcEncoder } from "./ipc-encoder.js";

/** A record batch is closed before what it gathers in memory grows past this; a larger sample has one of its own. */
const GATHERED_BYTES = 4 * 2 ** 20;

/** A record batch is closed before its streamed values grow past this: what a reader that does not map it must hold. */
const STREAMED_BYTES = 128 * 2 ** 20;

/** The most samples of a record batch. */
const BATCH_ROWS = 2 ** 17;

/** Tensors of fewer bytes are gathered: scalars are, as they add little to memory. */
const STREAM_FROM_BYTES = 16;

interface Value {
  readonly column: ColumnBuilder;
  readonly value: SampleValue;
  readonly bytes: Uint8Array;
}

/**
 * Makes record batches of samples. The values of the largest field go to the file as they come, to the beginning of the
 * batch's body; those of the other fields are gathered and follow them. So a batch is large where the memory that it
 * takes is small, and few batches make a shard that opens fast.
 */
export class BatchEncoder implements SampleEncoder {
  readonly #columns: readonly ColumnBuilder[];
  /** The sample that was encoded last; it counts when the file has taken it. */
  #next: readonly Value[] = [];
  #isBatchClosed = false;
  #rows = 0;
  #gathered = 0;
  #streamed = 0;

  constructor(
    fields: readonly Field[],
    readonly ipc: IpcEncoder,
  ) {
    const streamed = streamedField(fields);
    this.#columns = fields.map((field) => new ColumnBuilder(field, BATCH_ROWS, field === streamed));
  }

  encode(
    sample: Sample,
    _row: number,
    checksums: ReadonlyMap<string, number>,
  ): readonly (Uint8Array | ChecksummedBytes)[] {
    this.#next = this.#columns.map((column) => {
      const value = sample.get(column.field.name) as SampleValue;
      return { column, value, bytes: column.encode(value) };
    });
    const { gathered, streamed } = sizesOf(this.#next);
    this.#isBatchClosed =
      this.#rows === BATCH_ROWS ||
      (this.#rows > 0 && (this.#gathered + gathered > GATHERED_BYTES || this.#streamed + streamed > STREAMED_BYTES));
    const parts: (Uint8Array | ChecksummedBytes)[] = this.#isBatchClosed ? [...this.#close()] : [];
    if (this.#isBatchClosed || this.#rows === 0)
      parts.push(this.ipc.open(this.#columns.map((column) => column.arrays())));
    for (const { column, bytes } of this.#next) {
      if (!column.isStreamed) continue;
      const crc32c = checksums.get(column.field.name);
      parts.push(crc32c === undefined ? bytes : { bytes, crc32c });
    }
    return parts;
  }

  taken(): void {
    if (this.#isBatchClosed) this.#clear();
    for (const { column, value, bytes } of this.#next) column.append(value, bytes);
    const { gathered, streamed } = sizesOf(this.#next);
    this.#next = [];
    this.#rows++;
    this.#gathered += gathered;
    this.#streamed += streamed;
  }

  async complete(file: AppendFile): Promise<void> {
    if (this.#rows > 0) await file.append(this.#close());
    await file.append(this.ipc.end());
    for (const { position, bytes } of this.ipc.patches) await file.patch(position, bytes);
  }

  #close(): readonly Uint8Array[] {
    const arrays = this.#columns.map((column) => column.arrays());
    return this.ipc.close(this.#rows, arrays, this.#streamed);
  }

  #clear(): void {
    for (const column of this.#columns) column.clear();
    this.#rows = 0;
    this.#gathered = 0;
    this.#streamed = 0;
  }
}

/** The field whose values are streamed: the largest tensor, else the first one of bytes. */
function streamedField(fields: readonly Field[]): Field | undefined {
  const sizes = fields.map((field) => (field.kind === "tensor" ? tensorBytes(field) : 0));
  const largest = Math.max(...sizes);
  return largest >= STREAM_FROM_BYTES ? fields[sizes.indexOf(largest)] : fields.find((field) => field.kind === "bytes");
}

/** What a sample adds to a record batch, in memory and in the file. */
function sizesOf(values: readonly Value[]): { gathered: number; streamed: number } {
  let gathered = 0;
  let streamed = 0;
  for (const { column, bytes } of values) {
    gathered += column.overheadBytes + (column.isStreamed ? 0 : bytes.length);
    if (column.isStreamed) streamed += bytes.length;
  }
  return { gathered, streamed };
}
