import { decodeLz4Block } from "./lz4-block.js";
import { xxh32 } from "./xxh32.js";

const MAGIC = 0x184d2204;

const VERSION = 1;

/** Bits of the byte of flags. */
const BLOCK_CHECKSUM = 0x10;
const CONTENT_SIZE = 0x08;
const CONTENT_CHECKSUM = 0x04;
const DICTIONARY_ID = 0x01;

/** The bit of a block's length that says that the block is not compressed. */
const STORED = 0x80000000;

/**
 * Decompresses a frame of LZ4 into `length` bytes; `undefined` if it is damaged, wants a dictionary, or gives another
 * number of bytes. Its checksums are checked where it has them.
 *
 * ```text
 * 0  magic           uint32
 * 4  flags, BD       2 bytes
 *    content size    uint64, if the flags say so
 *    checksum        1 byte: the second of XXH32 of what stands between the magic and it
 *    block           uint32: its length, then its bytes, then their XXH32 if the flags say so; any number of times
 *    0               uint32: end
 *    checksum        XXH32 of the content, if the flags say so
 * ```
 *
 * Source: github.com/lz4/lz4, doc/lz4_Frame_format.md. Own code, as lz4js writes past the ends of damaged frames and
 * takes half a minute for some, and wasm-lz4 decodes nothing more after the first error.
 */
export function decodeLz4Frame(bytes: Uint8Array, length: number): Uint8Array | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 7 || view.getUint32(0, true) !== MAGIC) return undefined;
  const flags = bytes[4] as number;
  const headerEnd = (flags & CONTENT_SIZE) === 0 ? 6 : 14;
  if (flags >>> 6 !== VERSION || (flags & DICTIONARY_ID) !== 0 || bytes.length <= headerEnd) return undefined;
  if (bytes[headerEnd] !== ((xxh32(bytes.subarray(4, headerEnd)) >>> 8) & 0xff)) return undefined;

  const target = new Uint8Array(length);
  const checksumBytes = (flags & BLOCK_CHECKSUM) === 0 ? 0 : 4;
  let from = headerEnd + 1;
  let to = 0;
  for (;;) {
    if (from + 4 > bytes.length) return undefined;
    const word = view.getUint32(from, true);
    from += 4;
    if (word === 0) break;
    const block = bytes.subarray(from, from + (word & ~STORED));
    if (from + block.length + checksumBytes > bytes.length || block.length !== (word & ~STORED)) return undefined;
    from += block.length + checksumBytes;
    if (checksumBytes > 0 && view.getUint32(from - checksumBytes, true) !== xxh32(block)) return undefined;
    to = (word & STORED) === 0 ? decodeLz4Block(block, target, to) : store(block, target, to);
    if (to < 0) return undefined;
  }
  if (to !== length) return undefined;
  if ((flags & CONTENT_CHECKSUM) === 0) return target;
  if (from + 4 > bytes.length || view.getUint32(from, true) !== xxh32(target)) return undefined;
  return target;
}

function store(block: Uint8Array, target: Uint8Array, to: number): number {
  if (to + block.length > target.length) return -1;
  target.set(block, to);
  return to + block.length;
}
