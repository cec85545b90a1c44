import { MetadataVersion } from "apache-arrow/enum";
import { FileBlock, Footer } from "apache-arrow/ipc/metadata/file";
import { BufferRegion, FieldNode, Message, RecordBatch } from "apache-arrow/ipc/metadata/message";
import type { Schema as ArrowSchema } from "apache-arrow/schema";
import type { ColumnArrays } from "./column-builder.js";
import { MAGIC } from "./footer.js";

/** Every buffer begins at a multiple of this in the file, as Arrow recommends: a memory map of it is aligned. */
const ALIGNMENT = 64;

const PADDING = new Uint8Array(ALIGNMENT);

/**
 * Makes the bytes of an Arrow file, which are to be written in the order of the calls; nothing is kept but the place of
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
export class IpcEncoder {
  readonly #blocks: FileBlock[] = [];
  #position = 0;

  constructor(readonly schema: ArrowSchema) {}

  /** What stands before the first record batch. */
  begin(): readonly Uint8Array[] {
    const magic = this.#placed([Buffer.from(`${MAGIC}\0\0`, "latin1")]);
    return [...magic, ...this.#placed(this.#envelope(Message.encode(Message.from(this.schema))))];
  }

  /** A record batch, sharing the columns' memory. */
  batch(rows: number, columns: readonly ColumnArrays[]): readonly Uint8Array[] {
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
    this.#blocks.push(new FileBlock(envelopeBytes, bodyBytes, this.#position));
    return this.#placed([...envelope, ...body]);
  }

  /** What stands behind the last record batch. */
  end(): readonly Uint8Array[] {
    const footer = Footer.encode(new Footer(this.schema, MetadataVersion.V5, this.#blocks, []));
    return [int32s(-1, 0), footer, int32s(footer.length), Buffer.from(MAGIC, "latin1")];
  }

  /** A message with its length before it and its padding behind it, so that what follows is aligned. */
  #envelope(message: Uint8Array): Uint8Array[] {
    const pad = padding(this.#position + 8 + message.length);
    return [int32s(-1, message.length + pad.length), message, pad];
  }

  #placed(parts: readonly Uint8Array[]): readonly Uint8Array[] {
    this.#position += parts.reduce((sum, part) => sum + part.length, 0);
    return parts;
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
