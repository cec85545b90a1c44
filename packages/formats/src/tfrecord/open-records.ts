import type { ByteSource } from "../byte-source.js";
import { ShardFile } from "../shard-file.js";
import { compressionOf, decompress } from "./compressed.js";
import { decodeHeader, HEADER_BYTES } from "./framing.js";

/**
 * Opens the records of a file: the file itself or, if it is compressed as a whole, what it becomes in memory.
 * @throws CorruptShardError, UnsupportedError or FileError.
 */
export async function openRecords(path: string): Promise<ByteSource> {
  const file = new ShardFile(path);
  let opened: ByteSource = file;
  try {
    const first = Buffer.from(file.read(0, Math.min(HEADER_BYTES, file.size), "the first length"));
    // A length with its checksum begins no compressed file, whatever its first two bytes are.
    const isFramed = first.length === HEADER_BYTES && decodeHeader(first, 0) !== undefined;
    const compression = isFramed ? undefined : compressionOf(first);
    if (compression !== undefined) opened = await decompress(file, compression);
    return opened;
  } finally {
    if (opened !== file || file.size === 0) file.close();
  }
}
