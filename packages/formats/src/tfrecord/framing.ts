import { outside, roomFor, type ByteSource } from "../byte-source.js";
import { crc32c, crc32cPlain } from "../checksum.js";

/**
 * The frame of a record (`tensorflow/core/lib/io/record_writer.h`). All numbers are little-endian.
 *
 * ```text
 * 0         length of the payload           uint64
 * 8         masked CRC-32C of the 8 bytes   uint32
 * 12        payload
 * 12 + n    masked CRC-32C of the payload   uint32
 * ```
 */
export const HEADER_BYTES = 12;
/** Bytes behind a payload. */
export const FOOTER_BYTES = 4;
/** Bytes of a record beside its payload. */
export const FRAME_BYTES: number = HEADER_BYTES + FOOTER_BYTES;

/** Added by {@link maskCrc}; `kMaskDelta` of `tensorflow/core/lib/hash/crc32c.h`. */
const MASK_DELTA = 0xa282ead8;

/** Bytes of a payload that are read at a time to check it; they fit into a core's cache. */
const CHECK_BYTES = 2 ** 18;

/** Room for them, kept from check to check. */
let room: Buffer | undefined;
/** What of a file stands at the beginning of the room. */
let inRoom: { readonly source: ByteSource; readonly from: number; readonly to: number } | undefined;

/** A CRC as a frame keeps it, so that the CRC of bytes that hold CRCs is no trivial one. */
export function maskCrc(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}

/** The 12 bytes before a payload of `length` bytes. */
export function encodeHeader(length: number): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(length % 2 ** 32, 0);
  header.writeUInt32LE(Math.floor(length / 2 ** 32), 4);
  header.writeUInt32LE(maskCrc(crc32cPlain(header.subarray(0, 8))), 8);
  return header;
}

/** The 4 bytes behind a payload with this CRC-32C. */
export function encodeFooter(crc: number): Uint8Array {
  const footer = Buffer.alloc(FOOTER_BYTES);
  footer.writeUInt32LE(maskCrc(crc));
  return footer;
}

/** A whole record with a small payload, which is copied: what is appended to a file of events, for one. */
export function frameRecord(payload: Uint8Array): Uint8Array {
  return Buffer.concat([encodeHeader(payload.length), payload, encodeFooter(crc32cPlain(payload))]);
}

const LENGTH = Buffer.alloc(8);

/** The length that the header at `bytes[at]` tells, or `undefined` if its checksum is wrong. A double, so not exact past 2^53. */
export function decodeHeader(bytes: Buffer, at: number): number | undefined {
  for (let i = 0; i < 8; i++) LENGTH[i] = bytes[at + i] as number;
  if (maskCrc(crc32cPlain(LENGTH)) !== bytes.readUInt32LE(at + 8)) return undefined;
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
}

/** What a payload's checksum should be and is. */
export interface PayloadCheck {
  readonly isRight: boolean;
  /** Masked, as the file has it. */
  readonly expected: number;
  readonly found: number;
}

/** Compares the payload at `position`, which must lie inside, with the checksum behind it. */
export function checkPayload(source: ByteSource, position: number, length: number): PayloadCheck {
  const buffer = (room ??= Buffer.allocUnsafeSlow(CHECK_BYTES));
  inRoom = undefined;
  // Most records are read at once with their footer.
  const end = position + length;
  let crc = 0;
  let at = position;
  for (; end + FOOTER_BYTES - at > buffer.length; at += Math.min(buffer.length, end - at)) {
    const chunk = buffer.subarray(0, Math.min(buffer.length, end - at));
    source.readInto(chunk, at);
    crc = crc32c(chunk, crc);
  }
  const rest = buffer.subarray(0, end + FOOTER_BYTES - at);
  source.readInto(rest, at);
  const found = maskCrc(crc32c(rest.subarray(0, end - at), crc));
  const expected = rest.readUInt32LE(end - at);
  if (source.isPlain) inRoom = { source, from: at, to: end };
  return { isRight: expected === found, expected, found };
}

/** A source that gives what the last check of a payload has read from memory, instead of reading it twice. */
export class CheckedSource implements ByteSource {
  constructor(readonly source: ByteSource) {}

  get path(): string {
    return this.source.path;
  }

  get size(): number {
    return this.source.size;
  }

  get isPlain(): boolean {
    return this.source.isPlain;
  }

  readInto(target: Uint8Array, position: number): void {
    const kept = inRoom;
    const end = position + target.length;
    if (room !== undefined && kept?.source === this && position >= kept.from && end <= kept.to)
      target.set(room.subarray(position - kept.from, end - kept.from));
    else this.source.readInto(target, position);
  }

  read(position: number, length: number, what: string): Uint8Array {
    if (!(position >= 0 && length >= 0 && position + length <= this.size)) throw outside(this, position, length, what);
    const bytes = roomFor(length);
    this.readInto(bytes, position);
    return bytes;
  }

  close(): void {
    if (inRoom?.source === this) inRoom = undefined;
    this.source.close();
  }
}
