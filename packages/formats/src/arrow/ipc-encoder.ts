import { MetadataVersion } from "apache-arrow/enum";
import { FileBlock, Footer } from "apache-arrow/ipc/metadata/file";
import { BufferRegion, FieldNode, Message, RecordBatch } from "apache-arrow/ipc/metadata/message";
import type { Schema as ArrowSchema } from "apache-arrow/schema";
import type { ColumnArrays } from "./column-builder.js";
import { MAGIC } from "./footer.js";

/** Every buffer begins at a multiple of this in the file, as Arrow recommends: a memory map of it is aligned. */
const ALIGNMENT = 64;

const PADDING = new Uint8Array(ALIGNMENT);

/** Bytes that are to be written over those at `position`. */
export interface Patch {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/**
 * Makes the bytes of an Arrow file, which are to be written in the order of the calls. The metadata of a record batch
 * stands before values whose number it tells: its room is written first, and filled at the end by a patch. The library
 * encodes the metadata; its own writer of files has no back-pressure and aligns buffers to 8.
 *
 * ```text
 * 0    "ARROW1" 0 0
 * 8    message of the schema          for readers that stream
 *      message of a record batch      its body at a multiple of 64; the values that are streamed come first in it
 *      ...
 *      -1, 0                          int32: end of the stream
 *      footer, its length, "ARROW1"   see readFooter
 * ```
 */
export class IpcEncoder {
  readonly #blocks: FileBlock[] = [];
  readonly #patches: Patch[] = [];
  #position = 0;

  constructor(readonly schema: ArrowSchema) {}

  /** What stands before the first record batch. */
  begin(): readonly Uint8Array[] {
    const magic = Buffer.from(`${MAGIC}\0\0`, "latin1");
    this.#position = magic.length;
    const schema = envelope(this.#position, Message.encode(Message.from(this.schema)));
    this.#position += schema.length;
    return [magic, schema];
  }

  /** Room for the metadata of a record batch of such columns: the values that are streamed follow. */
  open(columns: readonly ColumnArrays[]): Uint8Array {
    const lengths = columns.map((column) => ({ ...column, lengths: column.lengths.map(() => 1) }));
    return new Uint8Array(envelope(this.#position, metadata(1, lengths, ALIGNMENT).message).length);
  }

  /**
   * What stands behind the streamed values of a record batch: their padding and the other buffers, sharing the columns'
   * memory.
   * @param streamedBytes bytes that were written since its room was
   */
  close(rows: number, columns: readonly ColumnArrays[], streamedBytes: number): readonly Uint8Array[] {
    const { message, body, bodyBytes } = metadata(rows, columns, streamedBytes);
    const bytes = envelope(this.#position, message);
    this.#blocks.push(new FileBlock(bytes.length, bodyBytes, this.#position));
    this.#patches.push({ position: this.#position, bytes });
    this.#position += bytes.length + bodyBytes;
    return body;
  }

  /** What stands behind the last record batch. */
  end(): readonly Uint8Array[] {
    const footer = Footer.encode(new Footer(this.schema, MetadataVersion.V5, this.#blocks, []));
    return [int32s(-1, 0), footer, int32s(footer.length), Buffer.from(MAGIC, "latin1")];
  }

  /** The metadata of every record batch, to be written into its room. */
  get patches(): readonly Patch[] {
    return this.#patches;
  }
}

/** The message of a record batch, and what stands in its body behind the streamed values. */
function metadata(
  rows: number,
  columns: readonly ColumnArrays[],
  streamedBytes: number,
): { message: Uint8Array; body: Uint8Array[]; bodyBytes: number } {
  const nodes = columns.flatMap(({ lengths }) => lengths.map((length) => new FieldNode(length, 0)));
  const body = [padding(streamedBytes)];
  let bodyBytes = streamedBytes + padding(streamedBytes).length;
  const regions = columns
    .flatMap(({ buffers }) => buffers)
    .map((buffer) => {
      if (!(buffer instanceof Uint8Array)) return new BufferRegion(0, buffer.byteLength);
      const region = new BufferRegion(bodyBytes, buffer.length);
      body.push(buffer, padding(buffer.length));
      bodyBytes += buffer.length + padding(buffer.length).length;
      return region;
    });
  const batch = new RecordBatch(rows, nodes, regions, null);
  return { message: Message.encode(Message.from(batch, bodyBytes)), body, bodyBytes };
}

/** A message with its length before it and its padding behind it, so that what follows is aligned. */
function envelope(position: number, message: Uint8Array): Uint8Array {
  const pad = padding(position + 8 + message.length);
  return Buffer.concat([int32s(-1, message.length + pad.length), message, pad]);
}

function padding(position: number): Uint8Array {
  return PADDING.subarray(0, (ALIGNMENT - (position % ALIGNMENT)) % ALIGNMENT);
}

function int32s(...values: number[]): Uint8Array {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeInt32LE(value, 4 * index);
  return bytes;
}
