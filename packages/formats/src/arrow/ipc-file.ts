import { open, rm, type FileHandle } from "node:fs/promises";
import { MetadataVersion } from "apache-arrow/enum";
import { FileBlock, Footer } from "apache-arrow/ipc/metadata/file";
import { BufferRegion, FieldNode, Message, RecordBatch } from "apache-arrow/ipc/metadata/message";
import type { Schema as ArrowSchema } from "apache-arrow/schema";
import { fileError } from "../errors.js";
import type { ColumnArrays } from "./column-builder.js";
import { MAGIC } from "./footer.js";

/** Every buffer begins at a multiple of this in the file, as Arrow recommends: a memory map of it is aligned. */
const ALIGNMENT = 64;

const PADDING = new Uint8Array(ALIGNMENT);

/**
 * An Arrow file in the making. Each call resolves when the file has taken its bytes; nothing is kept but the place of
 * each batch. The library encodes the metadata; its own writer of files has no back-pressure and aligns buffers to 8.
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
    readonly path: string,
    readonly schema: ArrowSchema,
    readonly handle: FileHandle,
  ) {}

  /** @throws FileError if there is a file already, or the system refuses. */
  static async create(path: string, schema: ArrowSchema): Promise<IpcFile> {
    let handle: FileHandle;
    try {
      handle = await open(path, "wx");
    } catch (error) {
      throw fileError(path, "create the shard", error);
    }
    const file = new IpcFile(path, schema, handle);
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
    try {
      await this.handle.close();
    } catch (error) {
      throw fileError(this.path, "close the shard", error);
    }
  }

  /** Closes and deletes the file. */
  async remove(): Promise<void> {
    try {
      await this.handle.close();
      await rm(this.path, { force: true });
    } catch (error) {
      throw fileError(this.path, "delete the unfinished shard", error);
    }
  }

  /** A message with its length before it and its padding behind it, so that what follows is aligned. */
  #envelope(message: Uint8Array): Uint8Array[] {
    const pad = padding(this.#position + 8 + message.length);
    return [int32s(-1, message.length + pad.length), message, pad];
  }

  async #write(parts: readonly Uint8Array[]): Promise<void> {
    let rest = parts.filter((part) => part.length > 0);
    while (rest.length > 0) {
      const written = await this.#writeSome(rest);
      this.#position += written;
      rest = behind(rest, written);
    }
  }

  async #writeSome(parts: readonly Uint8Array[]): Promise<number> {
    try {
      return (await this.handle.writev(parts)).bytesWritten;
    } catch (error) {
      throw fileError(
        this.path,
        "write the shard",
        error,
        parts.reduce((sum, part) => sum + part.length, 0),
      );
    }
  }
}

/** What is left of `parts` behind their first `count` bytes. */
function behind(parts: readonly Uint8Array[], count: number): Uint8Array[] {
  let skip = count;
  return parts.flatMap((part) => {
    const left = part.subarray(Math.min(skip, part.length));
    skip -= part.length - left.length;
    return left.length > 0 ? [left] : [];
  });
}

function padding(position: number): Uint8Array {
  return PADDING.subarray(0, (ALIGNMENT - (position % ALIGNMENT)) % ALIGNMENT);
}

function int32s(...values: number[]): Uint8Array {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeInt32LE(value, 4 * index);
  return bytes;
}
