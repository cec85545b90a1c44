import { MetadataVersion } from "apache-arrow/enum";
import { FileBlock, Footer } from "apache-arrow/ipc/metadata/file";
import { BufferRegion, FieldNode, Message, RecordBatch } from "apache-arrow/ipc/metadata/message";
import type { Schema as ArrowSchema } from "apache-arrow/schema";
import { AppendFile } from "../append-file.js";
import type { ColumnArrays } from "./column-builder.js";
import { MAGIC } from "./footer.js";

/** Every buffer begins at a multiple of this in the file, as Arrow recommends: a memory map of it is aligned. */
const ALIGNMENT = 64;

const PADDING = new Uint8Array(ALIGNMENT);

/**
 * An Arrow file in the making. Nothing is kept but the place of each batch, and what {@link AppendFile} gathers. The
 * library encodes the metadata; its own writer of files has no back-pressure and aligns buffers to 8.
 *
 * ```text
 * 0    "ARROW1" 0 0
 * 8    message of the schema          for readers that stream
 *      message of a record batch      its body at a multiple of 64
 *      ...
 *      -1, 0                          int32: end of the stream
 *      footer, its length, "ARROW1"   see readFooter
 * ```
 */
export class IpcFile {
  readonly #blocks: FileBlock[] = [];
  #position = 0;

  private constructor(
    readonly file: AppendFile,
    readonly schema: ArrowSchema,
  ) {}

  get path(): string {
    return this.file.path;
  }

  /** @throws FileError if there is a file already, or the system refuses. */
  static async create(path: string, schema: ArrowSchema): Promise<IpcFile> {
    const file = new IpcFile(await AppendFile.create(path), schema);
    try {
      await file.#write([Buffer.from(`${MAGIC}\0\0`, "latin1")]);
      await file.#write(file.#envelope(Message.encode(Message.from(schema))));
    } catch (error) {
      await file.remove();
      throw error;
    }
    return file;
  }

  /** Writes a record batch; the columns' memory may be reused when the promise resolves. */
  async writeBatch(rows: number, columns: readonly ColumnArrays[]): Promise<void> {
    const nodes = columns.flatMap(({ lengths }) => lengths.map((length) => new FieldNode(length, 0)));
    const regions: BufferRegion[] = [];
    const body: Uint8Array[] = [];
    let bodyBytes = 0;
    for (const buffer of columns.flatMap(({ buffers }) => buffers)) {
      regions.push(new BufferRegion(bodyBytes, buffer.length));
      body.push(buffer, padding(buffer.length));
      bodyBytes += buffer.length + padding(buffer.length).length;
    }
    const message = Message.from(new RecordBatch(rows, nodes, regions, null), bodyBytes);
    const envelope = this.#envelope(Message.encode(message));
    const envelopeBytes = envelope.reduce((sum, part) => sum + part.length, 0);
    const block = new FileBlock(envelopeBytes, bodyBytes, this.#position);
    await this.#write([...envelope, ...body]);
    this.#blocks.push(block);
  }

  /** Writes the footer and closes the file. */
  async finish(): Promise<void> {
    const footer = Footer.encode(new Footer(this.schema, MetadataVersion.V5, this.#blocks, []));
    const magic = Buffer.from(MAGIC, "latin1");
    await this.#write([int32s(-1, 0), footer, int32s(footer.length), magic]);
    await this.file.finish();
  }

  /** Closes and deletes the file. */
  async remove(): Promise<void> {
    await this.file.remove();
  }

  /** A message with its length before it and its padding behind it, so that what follows is aligned. */
  #envelope(message: Uint8Array): Uint8Array[] {
    const pad = padding(this.#position + 8 + message.length);
    return [int32s(-1, message.length + pad.length), message, pad];
  }

  async #write(parts: readonly Uint8Array[]): Promise<void> {
    await this.file.append(parts);
    this.#position += parts.reduce((sum, part) => sum + part.length, 0);
  }
}

function padding(position: number): Uint8Array {
  return PADDING.subarray(0, (ALIGNMENT - (position % ALIGNMENT)) % ALIGNMENT);
}

function int32s(...values: number[]): Uint8Array {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeInt32LE(value, 4 * index);
  return bytes;
}
