import { createReadStream } from "node:fs";
import { crc32c, crcText } from "./checksum.js";
import { fileError } from "./errors.js";

/** Size and checksum of a whole file, as the manifest keeps them. */
export interface FileChecksum {
  readonly bytes: number;
  /** CRC-32C, `0x` and 8 digits. */
  readonly crc32c: string;
}

/** Reads a whole file for its size and CRC-32C. */
export async function checksumFile(path: string): Promise<FileChecksum> {
  let crc = 0;
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 }) as AsyncIterable<Uint8Array>) {
      crc = crc32c(chunk, crc);
      bytes += chunk.length;
    }
  } catch (error) {
    throw fileError(path, "read the file", error);
  }
  return { bytes, crc32c: crcText(crc) };
}
