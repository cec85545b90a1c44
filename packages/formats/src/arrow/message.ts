import { BodyCompressionMethod } from "apache-arrow/fb/body-compression-method";
import { CompressionType } from "apache-arrow/fb/compression-type";
import { DictionaryBatch } from "apache-arrow/fb/dictionary-batch";
import { MessageHeader } from "apache-arrow/fb/message-header";
import { RecordBatch } from "apache-arrow/fb/record-batch";
import { UnsupportedError } from "../errors.js";
import type { ShardFile } from "../shard-file.js";
import type { Codec } from "./codec.js";
import { openEnvelope, type Envelope } from "./envelope.js";
import { metadataOf } from "./layout.js";
import type { Block } from "./message-index.js";
import { unpackedRegions, type Region } from "./region.js";

/** Key of the metadata by which Arrow 0.17 told of compressed buffers, before there was a field for it. */
const EARLY_COMPRESSION = "ARROW:experimental_compression";

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
  /** For each column of views the number of its buffers that hold values. */
  readonly variadicCounts: readonly number[];
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
 * Reads the metadata of a record batch. `all`: the bytes of the block's metadata.
 * @throws CorruptShardError, UnsupportedError
 */
export function readRecordBatch(file: ShardFile, block: Block, all: Uint8Array): BatchMetadata {
  const envelope = openBlock(file, block, all);
  const { message, bytes } = envelope;
  const header =
    message.headerType() === MessageHeader.RecordBatch
      ? (message.header(new RecordBatch()) as RecordBatch | null)
      : null;
  if (header === null) throw bytes.corrupt("the message is not a record batch");
  return batchMetadata(file, block, envelope, header);
}

/**
 * Reads the metadata of a dictionary batch.
 * @throws CorruptShardError, UnsupportedError
 */
export function readDictionary(file: ShardFile, block: Block): DictionaryMetadata {
  const envelope = openBlock(file, block, file.read(block.offset, block.metadataBytes, "the metadata of a dictionary"));
  const { message, bytes } = envelope;
  const header =
    message.headerType() === MessageHeader.DictionaryBatch
      ? (message.header(new DictionaryBatch()) as DictionaryBatch | null)
      : null;
  const data = header?.data() ?? null;
  if (header === null || data === null) throw bytes.corrupt("the message is not a dictionary");
  return { id: header.id(), delta: header.isDelta(), batch: batchMetadata(file, block, envelope, data) };
}

/** Opens a message whose place a footer told, or a scan found. */
function openBlock(file: ShardFile, block: Block, all: Uint8Array): Envelope {
  const envelope = openEnvelope(file, all, block.offset);
  if (envelope.message.bodyLength() !== BigInt(block.bodyBytes))
    throw envelope.bytes.corrupt("the length of a message's body is not the one that the footer tells");
  return envelope;
}

function batchMetadata(file: ShardFile, block: Block, envelope: Envelope, batch: RecordBatch): BatchMetadata {
  const { bytes } = envelope;
  const codec = codecOf(file, block, batch, envelope);
  const nodeCount = bytes.vectorLength(batch.nodesLength(), 16);
  const nodeSizes = nodeCount === 0 ? [] : bytes.sizes(batch.nodes(0)?.bb_pos ?? -1, 2 * nodeCount);
  const nodes = Array.from({ length: nodeCount }, (_, index) => ({
    length: nodeSizes[2 * index] as number,
    nullCount: nodeSizes[2 * index + 1] as number,
  }));
  const bufferCount = bytes.vectorLength(batch.buffersLength(), 16);
  const bufferSizes = bufferCount === 0 ? [] : bytes.sizes(batch.buffers(0)?.bb_pos ?? -1, 2 * bufferCount);
  const regions = Array.from({ length: bufferCount }, (_, index) => {
    const offset = bufferSizes[2 * index] as number;
    const byteLength = bufferSizes[2 * index + 1] as number;
    if (offset + byteLength > block.bodyBytes) throw bytes.corrupt("a buffer lies outside of its record batch");
    return { offset, byteLength };
  });
  const rows = batch.length();
  if (rows < 0n || rows > BigInt(Number.MAX_SAFE_INTEGER)) throw bytes.corrupt("the number of rows is impossible");
  return {
    rows: Number(rows),
    nodes,
    buffers: codec === undefined ? regions : unpackedRegions(file, block, codec, regions),
    variadicCounts: Array.from({ length: bytes.vectorLength(batch.variadicBufferCountsLength(), 8) }, (_, index) =>
      Number(batch.variadicBufferCounts(index)),
    ),
    offset: block.offset,
  };
}

/** How the buffers of a batch are compressed, if they are. */
function codecOf(file: ShardFile, block: Block, batch: RecordBatch, { message, bytes }: Envelope): Codec | undefined {
  const compression = batch.compression();
  if (compression === null) {
    if (metadataOf(message, bytes).has(EARLY_COMPRESSION)) throw unknownCodec(file, block, EARLY_COMPRESSION);
    return undefined;
  }
  const type = compression.codec();
  const isEachBuffer = compression.method() === BodyCompressionMethod.BUFFER;
  if (isEachBuffer && type === CompressionType.LZ4_FRAME) return "lz4";
  if (isEachBuffer && type === CompressionType.ZSTD) return "zstd";
  throw unknownCodec(file, block, `codec ${type}, method ${compression.method()}`);
}

function unknownCodec(file: ShardFile, block: Block, found: string): UnsupportedError {
  return new UnsupportedError({
    file: file.path,
    byte: block.offset,
    problem: "the buffers are compressed in a way that is not read",
    expected: "LZ4_FRAME or ZSTD, a buffer at a time",
    found,
    fix: "write the file again with a current Arrow library",
  });
}
