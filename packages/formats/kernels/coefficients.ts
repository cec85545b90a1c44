// Decodes scans of any kind to coefficients: 64 a block in zigzag order, int16, planes of whole MCUs.

import { CORRUPT, DONE } from "./direct";
import { BLOCKS, PLANES, STATES } from "./layout";
import { bitsAt, extend, isDone, openSegment, Reader, take } from "./reader";
import { isNoCode, lookUp, PROGRESSIVE, SEQUENTIAL } from "./tables";

/** A plane: address of its coefficients. */
export const AT: usize = 0;
/** Blocks in a row, with those that only fill up MCUs. */
export const STRIDE: usize = 4;
/** Blocks that hold samples. */
export const WIDE: usize = 8;
export const HIGH: usize = 12;
/** Sampling factors. */
export const H: usize = 16;
export const V: usize = 20;
/** Tables of the output. */
export const DC: usize = 24;
export const AC: usize = 28;

/** Kinds of scans; 0: sequential, 4: AC refined. */
const DC_FIRST: i32 = 1;
const DC_REFINE: i32 = 2;
const AC_FIRST: i32 = 3;

class Scan {
  static kind: i32 = 0;
  static first: i32 = 0;
  static last: i32 = 0;
  static low: i32 = 0;
  /** Blocks to come without more coefficients in the band. */
  static run: i32 = 0;
}

/** Decodes one scan, whose components stand in BLOCKS; see `decodeDirect` for the other parameters. */
export function decodeScan(
  segments: usize,
  count: u32,
  mcus: u32,
  perSegment: u32,
  mcusPerRow: u32,
  parts: u32,
  top: usize,
  kind: i32,
  first: i32,
  last: i32,
  low: i32,
): i32 {
  Scan.kind = kind;
  Scan.first = first;
  Scan.last = last;
  Scan.low = low;
  const perRow = parts == 1 ? load<u32>(PLANES + (<usize>load<u8>(BLOCKS) << 5), WIDE) : mcusPerRow;
  let row: u32 = 0;
  let column: u32 = 0;
  let mcu: u32 = 0;
  for (let segment: u32 = 0; segment < count; segment++) {
    openSegment(load<u32>(segments + (segment << 3)), load<u32>(segments + (segment << 3), 4), top);
    memory.fill(STATES, 0, 64);
    Scan.run = 0;
    for (const end = min(mcu + perSegment, mcus); mcu < end; mcu++) {
      if (!decodeMcu(row, column, parts)) return CORRUPT;
      if (++column < perRow) continue;
      column = 0;
      row++;
    }
    if (!isDone() || Scan.run > 0) return CORRUPT;
  }
  return DONE;
}

function decodeMcu(row: u32, column: u32, parts: u32): bool {
  for (let part: u32 = 0; part < parts; part++) {
    const block = BLOCKS + (part << 2);
    const plane = PLANES + (<usize>load<u8>(block) << 5);
    const stride = load<u32>(plane, STRIDE);
    const wide = parts == 1 ? 1 : load<u32>(plane, H);
    const high = parts == 1 ? 1 : load<u32>(plane, V);
    for (let y = row * high; y < (row + 1) * high; y++) {
      for (let x = column * wide; x < (column + 1) * wide; x++) {
        const at = <usize>load<u32>(plane, AT) + (<usize>(y * stride + x) << 7);
        if (!decodeBlock(load<u8>(block, 1), load<u8>(block, 2), STATES + (part << 4), at)) return false;
        if (Reader.at > Reader.end) return false;
      }
    }
  }
  return true;
}

function decodeBlock(dc: u32, ac: u32, state: usize, at: usize): bool {
  if (Scan.kind > AC_FIRST) return acRefine(ac, at);
  if (Scan.kind == AC_FIRST) return acFirst(ac, at);
  if (Scan.kind == DC_REFINE) {
    store<u16>(at, load<u16>(at) | <u16>(take(1) << Scan.low));
    return true;
  }
  const bits = bitsAt(Reader.at);
  const entry = lookUp(dc, bits, SEQUENTIAL);
  if (isNoCode(entry)) return false;
  const length = entry & 255;
  const size = (entry >> 16) & 15;
  const value = load<i32>(state) + extend(<i32>(bits >> (64 - length)) & ((1 << size) - 1), size);
  Reader.at += length;
  store<i32>(state, value);
  store<i16>(at, <i16>(value << Scan.low));
  return Scan.kind == DC_FIRST || wholeBlock(ac, at);
}

/** The AC coefficients of a sequential scan. */
function wholeBlock(table: u32, block: usize): bool {
  let at = Reader.at;
  let k: u32 = 1;
  while (k < 64) {
    const bits = bitsAt(at);
    const entry = lookUp(table, bits, SEQUENTIAL);
    const length = entry & 255;
    const size = (entry >> 16) & 15;
    at += length;
    k += (entry >> 8) & 255;
    if (size == 0) continue;
    if (k > 64) return false;
    const value = extend(<i32>(bits >> (64 - length)) & ((1 << size) - 1), size);
    store<i16>(block + (<usize>(k - 1) << 1), <i16>value);
  }
  Reader.at = at;
  return k == 64 || (k > 127 && k < 192);
}

function acFirst(table: u32, block: usize): bool {
  if (Scan.run > 0) {
    Scan.run--;
    return true;
  }
  const last = Scan.last;
  const low = Scan.low;
  let at = Reader.at;
  let bits = bitsAt(at);
  let left: i32 = 57;
  for (let k = Scan.first; k <= last; ) {
    if (left < 31) {
      bits = bitsAt(at);
      left = 57;
    }
    const entry = lookUp(table, bits, PROGRESSIVE);
    if (isNoCode(entry)) return false;
    const run = <i32>((entry >> 20) & 15);
    const size = <i32>((entry >> 16) & 15);
    const code = <i32>(entry & 255);
    bits <<= code;
    if (size == 0 && run < 15) {
      Scan.run = (1 << run) - 1 + (run == 0 ? 0 : <i32>(bits >> (64 - run)));
      at += code + run;
      break;
    }
    if (size > 10) return false;
    k += run;
    if (k > last) return false;
    const value = size == 0 ? 0 : extend(<i32>(bits >> (64 - size)), size);
    store<i16>(block + (<usize>k << 1), <i16>(value << low));
    k++;
    bits <<= size;
    left -= code + size;
    at += code + size;
  }
  Reader.at = at;
  return true;
}

/** A bit for each coefficient of a block that is not 0. */
// @ts-ignore: decorator
@inline
export function maskOf(block: usize): u64 {
  const zero = i16x8.splat(0);
  let mask: u64 = 0;
  for (let i: u32 = 0; i < 4; i++) {
    const low = i16x8.ne(v128.load(block + (i << 5)), zero);
    const high = i16x8.ne(v128.load(block + (i << 5), 16), zero);
    mask |= <u64>(<u32>i8x16.bitmask(i8x16.narrow_i16x8_s(low, high))) << (i << 4);
  }
  return mask;
}

/** Refines the coefficients of a mask, which are those of a block from some place on. */
// @ts-ignore: decorator
@inline
function refine(block: usize, mask: u64): void {
  const step = 1 << Scan.low;
  let bits = bitsAt(Reader.at);
  let left: i32 = 57;
  while (mask != 0) {
    const at = block + (<usize>ctz(mask) << 1);
    mask &= mask - 1;
    if (left == 0) {
      bits = bitsAt(Reader.at);
      left = 57;
    }
    const value = <i32>load<i16>(at);
    if (<i64>bits < 0) store<i16>(at, <i16>(value + (value < 0 ? -step : step)));
    bits <<= 1;
    left--;
    Reader.at++;
  }
}

function acRefine(table: u32, block: usize): bool {
  const last = Scan.last;
  const band = (<u64>(-1) >> (63 - last)) & (<u64>(-1) << Scan.first);
  // Those that are not 0 before this scan and still to be refined; new ones of this scan are not.
  let others = maskOf(block) & band;
  let zeros = ~others & band;
  if (Scan.run == 0) {
    while (zeros != 0 || others != 0) {
      const entry = lookUp(table, bitsAt(Reader.at), PROGRESSIVE);
      if (isNoCode(entry)) return false;
      Reader.at += entry & 255;
      let run = <i32>((entry >> 20) & 15);
      const size = (entry >> 16) & 15;
      if (size > 1) return false;
      if (size == 0 && run < 15) {
        Scan.run = (1 << run) + take(run);
        break;
      }
      const value = size == 0 ? 0 : (take(1) == 1 ? 1 : -1) << Scan.low;
      for (; run > 0 && zeros != 0; run--) zeros &= zeros - 1;
      if (zeros == 0) return false;
      const place = ctz(zeros);
      zeros &= zeros - 1;
      // What lies before the place of the new coefficient is refined first.
      const before = (<u64>1 << place) - 1;
      refine(block, others & before);
      others &= ~before;
      store<i16>(block + (<usize>place << 1), <i16>value);
    }
  }
  if (Scan.run > 0) {
    refine(block, others);
    Scan.run--;
  }
  return true;
}
