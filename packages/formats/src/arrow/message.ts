import { CompressionType } from "apache-arrow/fb/compression-type";
import { DictionaryBatch } from "apache-arrow/fb/dictionary-batch";
import { Message } from "apache-arrow/fb/message";
import { MessageHeader } from "apache-arrow/fb/message-header";
import { RecordBatch } from "apache-arrow/fb/record-batch";
import { UnsupportedError } from "../errors.js";
import type { ShardFile } from "../shard-file.js";
import { CheckedBytes } from "./checked-bytes.js";
import { checkVersion, type Block } from "./footer.js";

/** The marker in front of a message's length since Arrow 0.15. */
const CONTINUATION = -1;

/** A run of bytes in the file. */
export interface Region {
  readonly offset: number;
  readonly byteLength: number;
}

/** Length and nulls of one array, in the order of a walk through the schema. */
export interface Node {
  readonly length: number;
  readonly nullCount: number;
}

/** Where the arrays of a record batch lie. Every buffer lies in the batch's body; nothing of the body was read. */
export interface BatchMetadata {
  readonly rows: number;
  readonly nodes: readonly Node[];
  readonly buffers: readonly Region[];
  /** Where the message begins in the file, for the text of errors. */
  readonly offset: number;
}

/** A batch of values that other columns point at. */
export interface DictionaryMetadata {
  readonly id: bigint;
  /** True if its values follow those of the dictionary before it of the same id. */
  readonly delta: boolean;
  readonly batch: BatchMetadata;
}

/**
 * Reads the metadata of a record batch.
 *
 * ```text
 * 0  -1        int32, absent before Arrow 0.15
 * 4  n         int32
 * 8  message   flatbuffer Message, n bytes with its padding
 * ```
 *
 * Source: Arrow columnar format, "Encapsulated message format", and Message.fbs.
 *
 * @throws CorruptShardError, UnsupportedError
 */
export function readRecordBatch(file: ShardFile, block: Block): BatchMetadata {
  const { bytes, message } = readMessage(file, block);
  const header =
    message.headerType() === MessageHeader.RecordBatch
      ? (message.header(new RecordBatch()) as RecordBatch | null)
      : null;
  if (header === null) throw bytes.corrupt("the message is not a record batch");
  return batchMetadata(file, block, bytes, header);
}

/**
 * Reads the metadata of a dictionary batch.
 * @throws CorruptShardError, UnsupportedError
 */
export function readDictionary(file: ShardFile, block: Block): DictionaryMetadata {
  const { bytes, message } = readMessage(file, block);
  const header =
    message.headerType() === MessageHeader.DictionaryBatch
      ? (message.header(new DictionaryBatch()) as DictionaryBatch | null)
      : null;
  const data = header?.data() ?? null;
  if (header === null || data === null) throw bytes.corrupt("the message is not a dictionary");
  return { id: header.id(), delta: header.isDelta(), batch: batchMetadata(file, block, bytes, data) };
}

function readMessage(file: ShardFile, block: Block): { bytes: CheckedBytes; message: Message } {
  const all = file.read(block.offset, block.metadataBytes, "the metadata of a message");
  const prefix = new CheckedBytes(all, file.path, block.offset);
  const first = prefix.readInt32(0);
  const start = first === CONTINUATION ? 8 : 4;
  const length = first === CONTINUATION ? prefix.readInt32(4) : first;
  if (length <= 0 || start + length > all.length) throw prefix.corrupt("the length of a message is wrong");
  const bytes = new CheckedBytes(all.subarray(start, start + length), file.path, block.offset + start);
  const message = Message.getRootAsMessage(bytes);
  checkVersion(file, message.version());
  return { bytes, message };
}

function batchMetadata(file: ShardFile, block: Block, bytes: CheckedBytes, batch: RecordBatch): BatchMetadata {
  const compression = batch.compression();
  if (compression !== null) {
    const codec = CompressionType[compression.codec()] ?? "an unknown codec";
    throw new UnsupportedError({
      file: file.path,
      byte: block.offset,
      problem: `the buffers are compressed (${codec})`,
      fix: "write the file again without compression",
    });
  }
  const size = (value: bigint | undefined, limit: number, what: string): number => {
    if (value === undefined || value < 0n || value > BigInt(limit)) throw bytes.corrupt(`${what} is impossible`);
    return Number(value);
  };
  const rows = size(batch.length(), Number.MAX_SAFE_INTEGER, "the number of rows");
  const nodes = Array.from({ length: bytes.vectorLength(batch.nodesLength(), 16) }, (_, index) => {
    const node = batch.nodes(index);
    return {
      length: size(node?.length(), Number.MAX_SAFE_INTEGER, "the length of an array"),
      nullCount: size(node?.nullCount(), Number.MAX_SAFE_INTEGER, "a number of nulls"),
    };
  });
  const body = block.offset + block.metadataBytes;
  const buffers = Array.from({ length: bytes.vectorLength(batch.buffersLength(), 16) }, (_, index) => {
    const buffer = batch.buffers(index);
    const offset = size(buffer?.offset(), block.bodyBytes, "the place of a buffer");
    const byteLength = size(buffer?.length(), block.bodyBytes - offset, "the length of a buffer");
    return { offset: body + offset, byteLength };
  });
  return { rows, nodes, buffers, offset: block.offset };
}
