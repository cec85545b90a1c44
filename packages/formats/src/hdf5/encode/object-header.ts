import { lookup3 } from "../metadata/lookup3.js";
import { pack } from "./pack.js";

/** A message of an object header. */
export type NewMessage = readonly [type: number, body: Buffer];

/** Flags: the size of the messages takes 4 bytes; no times, so that the bytes depend on the samples only. */
const SIZE_OF_4_BYTES = 2;

/** An object header of version 2 in one piece, laid out as `readObjectHeader` says. */
export function encodeObjectHeader(messages: readonly NewMessage[]): Buffer {
  const body = Buffer.concat(messages.map(([type, raw]) => pack([1, type], [2, raw.length], [1, 0], raw)));
  return withChecksum(pack("OHDR", [1, 2], [1, SIZE_OF_4_BYTES], [4, body.length], body));
}

/** A block of metadata with its checksum behind it. */
export function withChecksum(block: Buffer): Buffer {
  return pack(block, [4, lookup3(block)]);
}
