import type { Block as FbBlock } from "apache-arrow/fb/block";
import { Footer } from "apache-arrow/fb/footer";
import { CorruptShardError } from "../errors.js";
import type { ShardFile } from "../shard-file.js";
import { CheckedBytes } from "./checked-bytes.js";
import { checkEndianness, checkMetadataBytes, checkVersion, type Block, type MessageIndex } from "./message-index.js";

/** What an Arrow file begins and ends with. */
export const MAGIC = "ARROW1";

/** Bytes of the head: the magic, padded to 8. */
const HEAD_BYTES = 8;

/** A message begins with a mark and the length of its metadata, int32 each. */
const LEAST_MESSAGE_BYTES = 8;

/** Bytes after the footer: its length as int32, and the magic. */
const TAIL_BYTES = 10;

/**
 * Reads the footer of a file, which begins with its magic: it tells where everything else is.
 *
 * ```text
 * 0         "ARROW1" 0 0
 * 8         messages
 * end-10-n  footer            flatbuffer Footer, n bytes
 * end-10    n                 int32
 * end-6     "ARROW1"
 * ```
 *
 * Source: Arrow columnar format, "IPC File Format", and File.fbs.
 *
 * @throws CorruptShardError, UnsupportedError
 */
export function readFooter(file: ShardFile): MessageIndex {
  const position = file.size - TAIL_BYTES;
  const tail = Buffer.from(file.read(Math.max(position, 0), Math.min(TAIL_BYTES, file.size), "the tail").buffer);
  if (position < HEAD_BYTES || tail.toString("latin1", 4) !== MAGIC)
    throw corrupt(file, Math.max(position, 0), "the file is cut off: its last bytes are not ARROW1");
  const length = tail.readInt32LE(0);
  if (length <= 0 || length > position - HEAD_BYTES)
    throw corrupt(file, position, "the footer lies outside of the file", `1 to ${position - HEAD_BYTES}`, `${length}`);
  checkMetadataBytes(file, position, length);

  const bytes = new CheckedBytes(file.read(position - length, length, "the footer"), file.path, position - length);
  const footer = Footer.getRootAsFooter(bytes);
  checkVersion(file, footer.version());
  const schema = footer.schema();
  if (schema === null) throw bytes.corrupt("the footer has no schema");
  checkEndianness(file, schema);
  const messages = footer.dictionariesLength() + footer.recordBatchesLength();
  checkOverlap(file, messages * LEAST_MESSAGE_BYTES, position - length);
  const dictionaries = readBlocks(bytes, footer.dictionariesLength(), (i) => footer.dictionaries(i));
  const recordBatches = readBlocks(bytes, footer.recordBatchesLength(), (i) => footer.recordBatches(i));
  checkBlocks(file, [...dictionaries, ...recordBatches], position - length);
  return { schema, bytes, dictionaries, recordBatches, isStream: false };
}

function readBlocks(bytes: CheckedBytes, length: number, at: (index: number) => FbBlock | null): Block[] {
  return Array.from({ length: bytes.vectorLength(length, 24) }, (_, index) => {
    const block = at(index) as FbBlock;
    return {
      offset: Number(block.offset()),
      metadataBytes: block.metaDataLength(),
      bodyBytes: Number(block.bodyLength()),
    };
  });
}

/** Blocks that overlap are refused, so that the work of opening is bounded by the size of the file. */
function checkBlocks(file: ShardFile, blocks: readonly Block[], end: number): void {
  let total = 0;
  for (const { offset, metadataBytes, bodyBytes } of blocks) {
    const blockEnd = offset + metadataBytes + bodyBytes;
    if (offset < HEAD_BYTES || metadataBytes <= 0 || bodyBytes < 0 || blockEnd > end) {
      throw corrupt(file, offset, "a message lies outside of the file", `${HEAD_BYTES} to ${end}`, `end ${blockEnd}`);
    }
    checkMetadataBytes(file, offset, metadataBytes);
    total += metadataBytes + bodyBytes;
  }
  checkOverlap(file, total, end);
}

function checkOverlap(file: ShardFile, total: number, end: number): void {
  if (total > end) throw corrupt(file, end, "messages overlap", `${end} bytes in all`, `${total}`);
}

function corrupt(file: ShardFile, byte: number, problem: string, expected?: string, found?: string): CorruptShardError {
  return new CorruptShardError({ file: file.path, byte, problem, expected, found, fix: "copy the file again" });
}
