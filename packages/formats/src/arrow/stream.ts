import type { Message } from "apache-arrow/fb/message";
import { MessageHeader } from "apache-arrow/fb/message-header";
import { Schema } from "apache-arrow/fb/schema";
import { CorruptShardError, UnsupportedError } from "../errors.js";
import { ScanWindow } from "../scan-window.js";
import type { ShardFile } from "../shard-file.js";
import { CONTINUATION, openEnvelope, type Envelope } from "./envelope.js";
import { checkEndianness, checkMetadataBytes, type Block, type MessageIndex } from "./message-index.js";

/** Bytes that a scan reads at a time; larger metadata is read on its own. */
const WINDOW_BYTES = 2 ** 16;

/** Bytes in front of a message: the continuation mark and the length. */
const PREFIX_BYTES = 8;

/**
 * Finds the messages of a stream, one behind the other, by reading the metadata of each and jumping over its body.
 *
 * ```text
 * message of the schema            -1, n, metadata; no body
 * message of a dictionary          -1, n, metadata, body; any number of times
 * message of a record batch        likewise
 * -1, 0                            end; 0 alone before Arrow 0.15
 * ```
 *
 * Arrow lets a stream end without its mark. Here that is an error, as a stream that was cut off between two messages
 * looks the same.
 *
 * Source: Arrow columnar format, "IPC Streaming Format".
 *
 * @throws CorruptShardError, UnsupportedError
 */
export function readStream(file: ShardFile): MessageIndex {
  const scan = new StreamScan(file);
  const first = scan.next();
  const schema =
    first?.message.headerType() === MessageHeader.Schema ? (first.message.header(new Schema()) as Schema | null) : null;
  if (first === undefined || schema === null) throw scan.corrupt("the stream does not begin with a schema");
  checkEndianness(file, schema);
  const dictionaries: Block[] = [];
  const recordBatches: Block[] = [];
  for (let found = scan.next(); found !== undefined; found = scan.next()) {
    const type = found.message.headerType();
    if (type === MessageHeader.RecordBatch) recordBatches.push(found.block);
    else if (type === MessageHeader.DictionaryBatch) dictionaries.push(found.block);
    else throw unknownMessage(file, found.block.offset, type);
  }
  return { schema, bytes: first.bytes, dictionaries, recordBatches, isStream: true };
}

/** A walk from message to message. */
class StreamScan {
  readonly #window: ScanWindow;
  #position = 0;

  constructor(readonly file: ShardFile) {
    this.#window = new ScanWindow(file, WINDOW_BYTES);
  }

  /** The next message, or `undefined` at the mark of the end. */
  next(): (Envelope & { readonly block: Block }) | undefined {
    const { file } = this;
    const offset = this.#position;
    const first = this.#int32(offset);
    const prefixBytes = first === CONTINUATION ? PREFIX_BYTES : PREFIX_BYTES / 2;
    const length = first === CONTINUATION ? this.#int32(offset + 4) : first;
    if (length === 0) return this.#end(offset + prefixBytes);
    if (length < 0) throw this.corrupt("the length of a message is wrong", "a positive number", `${length}`);
    checkMetadataBytes(file, offset, length);
    const metadataBytes = prefixBytes + length;
    const envelope = openEnvelope(file, this.#metadata(offset, metadataBytes), offset);
    const bodyBytes = bodyBytesOf(envelope.message);
    const end = offset + metadataBytes + bodyBytes;
    if (bodyBytes < 0 || end > file.size)
      throw this.corrupt("a message is cut off", `an end up to ${file.size}`, `${end}`);
    this.#position = end;
    return { ...envelope, block: { offset, metadataBytes, bodyBytes } };
  }

  corrupt(problem: string, expected?: string, found?: string): CorruptShardError {
    const byte = this.#position;
    return new CorruptShardError({
      file: this.file.path,
      byte,
      problem,
      expected,
      found,
      fix: "copy the file again",
    });
  }

  #int32(position: number): number {
    if (position + 4 > this.file.size) {
      throw new CorruptShardError({
        file: this.file.path,
        byte: position,
        problem: "the stream is cut off: it ends without the mark of its end",
        fix: "copy the file again, or close the stream's writer before",
      });
    }
    return this.#window.bytes.readInt32LE(this.#window.ensure(position, 4, "the length of a message"));
  }

  #metadata(offset: number, length: number): Uint8Array {
    const what = "the metadata of a message";
    if (length > WINDOW_BYTES) return this.file.read(offset, length, what);
    const at = this.#window.ensure(offset, length, what);
    return new Uint8Array(this.#window.bytes.subarray(at, at + length));
  }

  #end(position: number): undefined {
    this.#position = position;
    if (position < this.file.size) {
      const found = `${this.file.size - position} bytes`;
      throw this.corrupt("more stands behind the end of the stream", "the end of the file", found);
    }
  }
}

function bodyBytesOf(message: Message): number {
  return Number(message.bodyLength());
}

function unknownMessage(file: ShardFile, byte: number, type: MessageHeader): UnsupportedError {
  return new UnsupportedError({
    file: file.path,
    byte,
    problem: "a message of this kind is not read",
    expected: "record batches and dictionaries",
    found: MessageHeader[type] ?? String(type),
    fix: "write record batches only",
  });
}
