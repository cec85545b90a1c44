// Writes bits, 64 at a time, with a zero behind each 0xff.

import { bitsAt } from "./reader";

export class Writer {
  static to: usize = 0;
  /** Bits that are not written yet, the first in front, and how many. */
  static bits: u64 = 0;
  static count: i32 = 0;
}

// @ts-ignore: decorator
@inline
function hasOnes(word: u64): bool {
  const inverse = ~word;
  return ((inverse - 0x0101010101010101) & word & 0x8080808080808080) != 0;
}

/** Writes 64 bits; returns where the next go. */
export function writeWord(to: usize, word: u64): usize {
  if (!hasOnes(word)) {
    store<u64>(to, bswap<u64>(word));
    return to + 8;
  }
  for (let i = 0; i < 8; i++) {
    const byte = <u8>(word >> 56);
    store<u8>(to++, byte);
    if (byte == 0xff) store<u8>(to++, 0);
    word <<= 8;
  }
  return to;
}

/** Appends the lowest `count` bits of a value that has none above them; at most 56. */
// @ts-ignore: decorator
@inline
export function put(value: u64, count: i32): void {
  const free = 64 - Writer.count;
  if (count < free) {
    Writer.bits |= value << (free - count);
    Writer.count += count;
    return;
  }
  const rest = count - free;
  Writer.to = writeWord(Writer.to, Writer.bits | (value >> rest));
  Writer.bits = rest == 0 ? 0 : value << (64 - rest);
  Writer.count = rest;
}

/** Appends bits of the source. */
export function copyBits(from: u32, to: u32): void {
  let at = from;
  while (to - at >= 56) {
    put(bitsAt(at) >> 8, 56);
    at += 56;
  }
  if (to > at) put(bitsAt(at) >> (64 - (to - at)), <i32>(to - at));
}

/** Fills the byte with ones and writes a marker. */
export function mark(marker: u32): void {
  const padding = (8 - (Writer.count & 7)) & 7;
  if (padding > 0) put((1 << padding) - 1, padding);
  let to = Writer.to;
  let bits = Writer.bits;
  for (let count = Writer.count; count > 0; count -= 8) {
    const byte = <u8>(bits >> 56);
    store<u8>(to++, byte);
    if (byte == 0xff) store<u8>(to++, 0);
    bits <<= 8;
  }
  store<u8>(to, 0xff);
  store<u8>(to, <u8>marker, 1);
  Writer.to = to + 2;
  Writer.bits = 0;
  Writer.count = 0;
}

/** The marker behind a segment. */
export function markerOf(segment: u32, segments: u32): u32 {
  return segment + 1 == segments ? 0xd9 : 0xd0 + (segment & 7);
}
