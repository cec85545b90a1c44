import { CorruptShardError, UnsupportedError } from "../errors.js";
import type { ShardFile } from "../shard-file.js";
import type { Codec } from "./codec.js";
import type { Block } from "./message-index.js";

/** The buffers of a record batch may always become this large. */
const FREE_BYTES = 64 * 2 ** 20;
/** Above that they may become this many times as large: more than any data of a data set, less than a bomb. */
const MAX_RATIO = 20;
/** Those of no record batch may become larger. */
const MAX_BYTES = 2 ** 30;

/** Bytes in front of a compressed buffer: the length of what it becomes. */
const LENGTH_BYTES = 8;

/** What a length says for a buffer that is not compressed after all. */
const NOT_COMPRESSED = -1n;

/** A buffer of a message. */
export interface Region {
  /** Where it lies, or what it is made of, counted from the beginning of the message's body. */
  readonly offset: number;
  /** Bytes of the buffer, or of the part of it that its rows need. */
  readonly byteLength: number;
  /** How it lies in the file, if not plain. */
  readonly packed?: Packed;
}

/** A compressed buffer. */
export interface Packed {
  readonly codec: Codec;
  /** Bytes in the file, from the region's offset on. */
  readonly byteLength: number;
  /** Bytes of the whole buffer that they become. */
  readonly length: number;
}

/**
 * The buffers of a message with compressed ones: reads the length in front of each, and checks that together they are
 * no bomb. Nothing is decompressed.
 *
 * ```text
 * 0  n      int64: length of the buffer; -1 if what follows is not compressed
 * 8  bytes
 * ```
 *
 * Source: Arrow columnar format, "Compression".
 *
 * @throws CorruptShardError, UnsupportedError
 */
export function unpackedRegions(
  file: ShardFile,
  block: Block,
  codec: Codec,
  regions: readonly { offset: number; byteLength: number }[],
): Region[] {
  const body = block.offset + block.metadataBytes;
  const limit = Math.min(MAX_BYTES, Math.max(FREE_BYTES, block.bodyBytes * MAX_RATIO));
  let total = 0;
  return regions.map(({ offset, byteLength }) => {
    if (byteLength === 0) return { offset, byteLength };
    const position = body + offset;
    if (byteLength < LENGTH_BYTES) throw wrongLength(file, position, "the length of a compressed buffer is cut off");
    const bytes = file.read(position, LENGTH_BYTES, "the length of a compressed buffer");
    const length = Buffer.from(bytes.buffer).readBigInt64LE(0);
    const rest = { offset: offset + LENGTH_BYTES, byteLength: byteLength - LENGTH_BYTES };
    if (length === NOT_COMPRESSED) return rest;
    if (length < 0n) throw wrongLength(file, position, "the length of a compressed buffer is wrong", `${length}`);
    total += Number(length);
    if (total > limit) throw tooLarge(file, position, limit, total);
    const packed = { codec, byteLength: rest.byteLength, length: Number(length) };
    return { offset: rest.offset, byteLength: packed.length, packed };
  });
}

function wrongLength(file: ShardFile, byte: number, problem: string, found?: string): CorruptShardError {
  return new CorruptShardError({ file: file.path, byte, problem, found, fix: "copy the file again" });
}

function tooLarge(file: ShardFile, byte: number, limit: number, total: number): UnsupportedError {
  return new UnsupportedError({
    file: file.path,
    byte,
    problem: "the compressed buffers of a record batch become too large",
    expected: `at most ${limit} bytes`,
    found: `${total} and more`,
    fix: "write smaller record batches, or do not compress them",
  });
}
