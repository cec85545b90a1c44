// Reads bits. The bytes of a segment lie in reverse order, the first one at `top - 1`, so that one unaligned little-endian
// load gives the next 64 bits with the first in front.

export class Reader {
  static top: usize = 0;
  /** Bits of the segment, and position of the next one. */
  static end: u32 = 0;
  static at: u32 = 0;
}

/** The bits from `at` on, the first in front; 57 of them are right. */
// @ts-ignore: decorator
@inline
export function bitsAt(at: u32): u64 {
  return load<u64>(Reader.top - 8 - <usize>(at >> 3)) << (at & 7);
}

/** Takes the segment from `from` to `to`, without the zeros behind each 0xff, and puts it below `top`. */
export function openSegment(from: usize, to: usize, top: usize): void {
  let target = top;
  const ones = i8x16.splat(-1);
  while (from < to) {
    while (from + 16 <= to) {
      const bytes = v128.load(from);
      if (v128.any_true(i8x16.eq(bytes, ones))) break;
      target -= 16;
      v128.store(target, i8x16.shuffle(bytes, bytes, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
      from += 16;
    }
    const stop = min(from + 16, to);
    while (from < stop) {
      const byte = load<u8>(from++);
      store<u8>(--target, byte);
      if (byte == 0xff) from++;
    }
  }
  Reader.top = top;
  Reader.at = 0;
  Reader.end = <u32>(top - target) << 3;
}

/** True if the segment is used up but for padding. */
export function isDone(): bool {
  return Reader.at <= Reader.end && Reader.end - Reader.at < 8;
}

/** Takes bits, at most 16. */
// @ts-ignore: decorator
@inline
export function take(count: i32): i32 {
  const bits = count == 0 ? 0 : <i32>(bitsAt(Reader.at) >> (64 - count));
  Reader.at += count;
  return bits;
}

/** The value of so many bits after a symbol (ITU-T T.81, F.2.2.1, EXTEND). */
// @ts-ignore: decorator
@inline
export function extend(bits: i32, count: i32): i32 {
  return count > 0 && bits < 1 << (count - 1) ? bits - (1 << count) + 1 : bits;
}
