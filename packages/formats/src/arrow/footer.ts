import type { Block as FbBlock } from "apache-arrow/fb/block";
import { Endianness } from "apache-arrow/fb/endianness";
import { Footer } from "apache-arrow/fb/footer";
import { MetadataVersion } from "apache-arrow/fb/metadata-version";
import type { Schema } from "apache-arrow/fb/schema";
import { CorruptShardError, UnsupportedError } from "../errors.js";
import type { ShardFile } from "../shard-file.js";
import { CheckedBytes } from "./checked-bytes.js";

/** What an Arrow file begins and ends with. */
export const MAGIC = "ARROW1";

/** Bytes of the head: the magic, padded to 8. */
const HEAD_BYTES = 8;

/** Bytes after the footer: its length as int32, and the magic. */
const TAIL_BYTES = 10;

/** The largest footer or message that is read: room for the blocks of 2.7 million record batches. */
export const MAX_METADATA_BYTES: number = 64 * 2 ** 20;

/** Where a message lies in the file. */
export interface Block {
  readonly offset: number;
  /** Bytes of the metadata; the body begins behind them. */
  readonly metadataBytes: number;
  readonly bodyBytes: number;
}

/** The end of an Arrow file, which tells where everything else is. Every block lies in the file. */
export interface ArrowFooter {
  /** The schema as it stands in the file; reads of it are checked. */
  readonly schema: Schema;
  /** The bytes of the schema. */
  readonly bytes: CheckedBytes;
  readonly dictionaries: readonly Block[];
  readonly recordBatches: readonly Block[];
}

/**
 * Reads the footer.
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
export function readFooter(file: ShardFile): ArrowFooter {
  checkHead(file);
  const position = file.size - TAIL_BYTES;
  const tail = Buffer.from(file.read(Math.max(position, 0), Math.min(TAIL_BYTES, file.size), "the tail").buffer);
  if (position < HEAD_BYTES || tail.toString("latin1", 4) !== MAGIC)
    throw corrupt(file, Math.max(position, 0), "the file is cut off: its last bytes are not ARROW1");
  const length = tail.readInt32LE(0);
  if (length <= 0 || length > position - HEAD_BYTES)
    throw corrupt(file, position, "the footer lies outside of the file", `1 to ${position - HEAD_BYTES}`, `${length}`);
  if (length > MAX_METADATA_BYTES) throw tooLarge(file, position, length);

  const bytes = new CheckedBytes(file.read(position - length, length, "the footer"), file.path, position - length);
  const footer = Footer.getRootAsFooter(bytes);
  checkVersion(file, footer.version());
  const schema = footer.schema();
  if (schema === null) throw bytes.corrupt("the footer has no schema");
  if (schema.endianness() !== Endianness.Little) {
    throw new UnsupportedError({
      file: file.path,
      problem: "the file is big-endian",
      fix: "write it again on a little-endian machine",
    });
  }
  const dictionaries = readBlocks(bytes, footer.dictionariesLength(), (i) => footer.dictionaries(i));
  const recordBatches = readBlocks(bytes, footer.recordBatchesLength(), (i) => footer.recordBatches(i));
  checkBlocks(file, [...dictionaries, ...recordBatches], position - length);
  return { schema, bytes, dictionaries, recordBatches };
}

function checkHead(file: ShardFile): void {
  const head = Buffer.from(file.read(0, Math.min(HEAD_BYTES, file.size), "the head").buffer);
  if (head.toString("latin1", 0, 6) === MAGIC) return;
  const kind = new Map([
    ["FEA1", "a Feather file of version 1"],
    ["\xff\xff\xff\xff", "an Arrow stream, not an Arrow file"],
  ]).get(head.toString("latin1", 0, 4));
  if (kind === undefined) {
    throw new CorruptShardError({
      file: file.path,
      problem: file.size === 0 ? "the file is empty" : "is not an Arrow file",
      expected: "ARROW1 as its first bytes",
      found: file.size === 0 ? undefined : head.toString("latin1", 0, 6),
      fix: "copy the file again, or name another",
    });
  }
  throw new UnsupportedError({
    file: file.path,
    problem: `is ${kind}`,
    fix: "write it again with pyarrow.ipc.new_file",
  });
}

/** Refuses metadata that older and newer versions of the format lay out in another way. */
export function checkVersion(file: ShardFile, version: MetadataVersion): void {
  if (version === MetadataVersion.V4 || version === MetadataVersion.V5) return;
  throw new UnsupportedError({
    file: file.path,
    problem: "has another version of Arrow's metadata",
    expected: "4 or 5",
    found: String(version + 1),
    fix: "write it again with a current Arrow library",
  });
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
    if (metadataBytes > MAX_METADATA_BYTES) throw tooLarge(file, offset, metadataBytes);
    total += metadataBytes + bodyBytes;
  }
  if (total > end) throw corrupt(file, end, "messages overlap", `${end} bytes in all`, `${total}`);
}

function corrupt(file: ShardFile, byte: number, problem: string, expected?: string, found?: string): CorruptShardError {
  return new CorruptShardError({ file: file.path, byte, problem, expected, found, fix: "copy the file again" });
}

function tooLarge(file: ShardFile, byte: number, length: number): UnsupportedError {
  return new UnsupportedError({
    file: file.path,
    byte,
    problem: "metadata of this size is not read",
    expected: `at most ${MAX_METADATA_BYTES} bytes`,
    found: `${length}`,
    fix: "write it again with larger record batches",
  });
}
