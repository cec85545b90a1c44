// A sequential file of one scan by its own tables: its bits are those of the output, but for the DC values after a
// restart. So codes are only walked over, two at a time, and bits copied.

import { CORRUPT, DONE, MAX_DC } from "./direct";
import { BLOCKS, CODES, PAIRS, PAIR_BYTES, STATES } from "./layout";
import { bitsAt, extend, isDone, openSegment, Reader } from "./reader";
import { isNoCode, longCode, lookUp, SEQUENTIAL } from "./tables";
import { copyBits, mark, markerOf, put, Writer } from "./writer";

class Run {
  /** Where the bits begin that are still to be copied. */
  static start: u32 = 0;
}

/** Parameters as those of `decodeDirect`; `lengths` takes the bytes of each output segment. Returns 0 or a failure. */
export function rewrite(
  segments: usize,
  count: u32,
  mcus: u32,
  perSegment: u32,
  interval: u32,
  blocks: u32,
  top: usize,
  lengths: usize,
  outputSegments: u32,
  to: usize,
): i32 {
  Writer.to = to;
  Writer.bits = 0;
  Writer.count = 0;
  memory.fill(STATES, 0, 64);
  let untilMark = interval;
  let mcu: u32 = 0;
  let written: u32 = 0;
  let begin = to;
  for (let segment: u32 = 0; segment < count; segment++) {
    openSegment(load<u32>(segments + (segment << 3)), load<u32>(segments + (segment << 3), 4), top);
    Run.start = 0;
    for (let i = 0; i < 4; i++) {
      store<i32>(STATES + (i << 4), 0);
      store<i32>(STATES + (i << 4), 1, 8);
    }
    for (const end = min(mcu + perSegment, mcus); mcu < end; mcu++) {
      for (let i: u32 = 0; i < blocks; i++) {
        const block = BLOCKS + (i << 2);
        const state = STATES + (<usize>load<u8>(block) << 4);
        if (!walkDc(load<u8>(block, 1), state) || !walkAc(load<u8>(block, 2))) return CORRUPT;
      }
      if (--untilMark > 0) continue;
      untilMark = interval;
      copyBits(Run.start, Reader.at);
      Run.start = Reader.at;
      mark(markerOf(written++, outputSegments));
      store<u32>(lengths, <u32>(Writer.to - begin));
      lengths += 4;
      begin = Writer.to;
      for (let i = 0; i < 4; i++) {
        store<i32>(STATES + (i << 4), 0, 4);
        store<i32>(STATES + (i << 4), 1, 8);
      }
    }
    if (!isDone()) return CORRUPT;
    copyBits(Run.start, Reader.at);
  }
  return DONE;
}

/** Walks over a DC value; writes it anew if it is the first of its component after a restart. */
function walkDc(table: u32, state: usize): bool {
  const at = Reader.at;
  const bits = bitsAt(at);
  const entry = lookUp(table, bits, SEQUENTIAL);
  if (isNoCode(entry)) return false;
  const length = entry & 255;
  const size = (entry >> 16) & 15;
  const value = load<i32>(state) + extend(<i32>(bits >> (64 - length)) & ((1 << size) - 1), size);
  if (abs<i32>(value) > MAX_DC) return false;
  Reader.at = at + length;
  if (load<i32>(state, 8) != 0) {
    const difference = value - load<i32>(state, 4);
    if (abs<i32>(difference) > MAX_DC) return false;
    copyBits(Run.start, at);
    Run.start = Reader.at;
    const newSize = 32 - clz<i32>(abs<i32>(difference));
    const code = load<u32>(CODES + (((table << 8) | newSize) << 2));
    const extra = difference < 0 ? difference + (1 << newSize) - 1 : difference;
    put((<u64>(code >> 8) << newSize) | extra, code & 255);
    store<i32>(state, 0, 8);
  }
  store<i32>(state, value);
  store<i32>(state, value, 4);
  return true;
}

/** Walks over the AC coefficients of a block. */
function walkAc(table: u32): bool {
  const pairs = PAIRS + <usize>(table - 4) * PAIR_BYTES;
  let at = Reader.at;
  let k: u32 = 1;
  for (;;) {
    let before = k;
    let step: u32 = 0;
    while (k < 64) {
      // The first step takes 26 bits at most, so the second one has its 16 of 57.
      let bits = bitsAt(at);
      step = stepAt(pairs, table, bits);
      before = k;
      k += step >> 8;
      at += step & 255;
      if (k > 63) break;
      bits <<= step & 255;
      step = stepAt(pairs, table, bits);
      before = k;
      k += step >> 8;
      at += step & 255;
    }
    if (k == 64 || (k > 127 && k < 192)) break;
    // The second code of the pair may have been that of the next block: take the first one alone.
    at -= step & 255;
    const entry = lookUp(table, bitsAt(at), SEQUENTIAL);
    k = before + ((entry >> 8) & 255);
    at += entry & 255;
    if (k > 64 && (k < 128 || k > 191)) return false;
    if (k > 63) break;
  }
  Reader.at = at;
  return at <= Reader.end;
}

/** Advance << 8 | bits of the one or two codes that the bits begin with. */
// @ts-ignore: decorator
@inline
function stepAt(pairs: usize, table: u32, bits: u64): u32 {
  const step = <u32>load<u16>(pairs + (<usize>(bits >> 52) << 1));
  return step != 0 ? step : longCode(table, bits, SEQUENTIAL) & 0xffff;
}
