import { open } from "node:fs/promises";
import { fileError } from "./errors.js";
import type { FormatName } from "./format.js";
import { formatOfPath } from "./registry.js";
import { decodeHeader, HEADER_BYTES } from "./tfrecord/framing.js";

/** How many bytes at the beginning of a file tell its format. */
const HEAD_BYTES = 512;

/**
 * The format of a file: what its extension tells, else its first bytes, since TFRecord files are often named
 * `train-00000-of-01024`. `undefined` where neither tells.
 * @throws FileError if it cannot be read.
 */
export async function formatOfFile(path: string): Promise<FormatName | undefined> {
  return formatOfPath(path) ?? formatOfBytes(await readHead(path));
}

/**
 * | format | first bytes |
 * | --- | --- |
 * | HDF5 | `\x89HDF\r\n\x1a\n` |
 * | Arrow | `ARROW1`, or the mark of a stream's first message |
 * | tar | `ustar` at 257 |
 * | TFRecord | a length with its checksum |
 */
function formatOfBytes(head: Buffer): FormatName | undefined {
  if (head.toString("latin1", 0, 8) === "\u0089HDF\r\n\u001a\n") return "hdf5";
  if (head.toString("latin1", 0, 6) === "ARROW1" || (head.length >= 8 && head.readUInt32LE(0) === 0xffffffff))
    return "arrow";
  if (head.toString("latin1", 257, 262) === "ustar") return "webdataset";
  const isRecord = head.length >= HEADER_BYTES && decodeHeader(head, 0) !== undefined;
  return isRecord ? "tfrecord" : undefined;
}

async function readHead(path: string): Promise<Buffer> {
  try {
    await using handle = await open(path, "r");
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw fileError(path, "open the dataset", error);
  }
}
