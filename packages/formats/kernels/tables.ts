// Builds what codes are looked up in.

import { CODES, LIMITS, LIMIT_BYTES, LOOKUPS, LOOKUP_BYTES, PAIRS, PAIR_BYTES, SPECS, SPEC_BYTES } from "./layout";

/** Advance of an entry without a code: it takes any position in a block past all that are possible. */
const NO_CODE: u32 = 255;
/** Advance of the end of a block. */
const END: u32 = 128;

/** For sequential scans, DC of any, and AC of progressive ones, whose extra bits are read apart. */
export const SEQUENTIAL: i32 = 0;
export const PROGRESSIVE: i32 = 1;

/** True for an entry of DC or of a progressive scan, or for one of AC, that is no code. */
// @ts-ignore: decorator
@inline
export function isNoCode(entry: u32): bool {
  return ((entry >> 8) & 255) == NO_CODE;
}

function entryOf(slot: u32, symbol: u32, length: u32, kind: i32): u32 {
  const key = ((slot << 8) | symbol) << 16;
  const none = (slot << 24) | (NO_CODE << 8) | 1;
  if (slot < 4) return symbol > 11 ? none : key | (length + symbol);
  if (kind == PROGRESSIVE) return key | length;
  const size = symbol & 15;
  if (size > 10) return none;
  if (size > 0) return key | (((symbol >> 4) + 1) << 8) | (length + size);
  if (symbol == 0) return key | (END << 8) | length;
  return symbol == 0xf0 ? key | (16 << 8) | length : none;
}

/** Builds the lookup of the table in that slot; a lookup of pairs too for AC of a sequential scan, if `pairs`. */
export function buildLookup(slot: u32, kind: i32, pairs: i32): void {
  const counts = SPECS + <usize>slot * SPEC_BYTES;
  const symbols = counts + 16;
  const lookup = LOOKUPS + <usize>slot * LOOKUP_BYTES;
  const limits = LIMITS + <usize>slot * LIMIT_BYTES;
  memory.fill(lookup, 0, LOOKUP_BYTES);
  let code: u32 = 0;
  let index: u32 = 0;
  for (let length: u32 = 1; length <= 16; length++) {
    const count = <u32>load<u8>(counts + length - 1);
    store<i32>(limits + (length << 3), <i32>index - <i32>code, 4);
    for (let i: u32 = 0; i < count; i++) {
      const entry = entryOf(slot, load<u8>(symbols + index), length, kind);
      if (length <= 12) {
        let at = lookup + ((code << (12 - length)) << 2);
        for (let n = 1 << (12 - length); n > 0; n--) {
          store<u32>(at, entry);
          at += 4;
        }
      }
      code++;
      index++;
    }
    store<u32>(limits + (length << 3), code << (16 - length));
    code <<= 1;
  }
  if (pairs) buildPairs(slot, lookup);
}

function buildPairs(slot: u32, lookup: usize): void {
  const pairs = PAIRS + <usize>(slot - 4) * PAIR_BYTES;
  for (let window: u32 = 0; window < 4096; window++) {
    const first = load<u32>(lookup + (window << 2));
    let bits = first & 255;
    let advance = (first >> 8) & 255;
    if (first != 0 && advance < END && bits < 12) {
      // The bits after the first code, with zeros behind: an entry found by them counts if its code ends before the zeros.
      const second = load<u32>(lookup + (((window << bits) & 4095) << 2));
      const size = (second >> 16) & 15;
      const code = (second & 255) - size;
      if (second != 0 && !isNoCode(second) && bits + code <= 12) {
        bits += second & 255;
        advance += (second >> 8) & 255;
      }
    }
    store<u16>(pairs + (window << 1), <u16>((advance << 8) | bits));
  }
}

/** The entry of a code of more than 12 bits. */
export function longCode(slot: u32, bits: u64, kind: i32): u32 {
  const limits = LIMITS + <usize>slot * LIMIT_BYTES;
  const word = <u32>(bits >> 48);
  for (let length: u32 = 13; length <= 16; length++) {
    if (word >= load<u32>(limits + (length << 3))) continue;
    const index = <i32>(word >> (16 - length)) + load<i32>(limits + (length << 3), 4);
    return entryOf(slot, load<u8>(SPECS + <usize>slot * SPEC_BYTES + 16 + index), length, kind);
  }
  return (slot << 24) | (NO_CODE << 8) | 1;
}

/** The entry of the code that the bits begin with. */
// @ts-ignore: decorator
@inline
export function lookUp(slot: u32, bits: u64, kind: i32): u32 {
  const entry = load<u32>(LOOKUPS + <usize>slot * LOOKUP_BYTES + (<usize>(bits >> 52) << 2));
  return entry != 0 ? entry : longCode(slot, bits, kind);
}

/** Builds the codes to encode by of a slot, by the 9th table. */
export function buildCodes(slot: u32): void {
  const counts = SPECS + 8 * SPEC_BYTES;
  let symbols = counts + 16;
  let code: u32 = 0;
  for (let length: u32 = 1; length <= 16; length++) {
    for (let i = <u32>load<u8>(counts + length - 1); i > 0; i--) {
      const symbol = <u32>load<u8>(symbols++);
      store<u32>(CODES + (((slot << 8) | symbol) << 2), (code++ << 8) | (length + (symbol & 15)));
    }
    code <<= 1;
  }
}
