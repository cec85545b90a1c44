// A sequential file of one scan: its symbols are those of the output, but for the DC values after a restart.

import { BLOCKS, LOOKUPS, LOOKUP_BYTES, STATES } from "./layout";
import { bitsAt, extend, isDone, openSegment, Reader } from "./reader";
import { isNoCode, longCode, lookUp, SEQUENTIAL } from "./tables";
import { addValue, counterOf, hasRoom, openTokens, Tokens } from "./tokens";

/** What a job returns: done; the data is corrupt; there is no memory. */
export const DONE: i32 = 0;
export const CORRUPT: i32 = 1;
export const NO_MEMORY: i32 = 2;

/** Largest DC value and largest difference of two. */
export const MAX_DC: i32 = 2047;

/**
 * Decodes all segments to tokens. `segments`: begin and end of each in memory, uint32. `lengths`: takes the end of the
 * tokens of each output segment.
 */
export function decodeDirect(
  segments: usize,
  count: u32,
  mcus: u32,
  perSegment: u32,
  interval: u32,
  blocks: u32,
  top: usize,
  lengths: usize,
  tokens: usize,
): i32 {
  openTokens(tokens);
  memory.fill(STATES, 0, 64);
  let untilMark = interval;
  let mcu: u32 = 0;
  for (let segment: u32 = 0; segment < count; segment++) {
    openSegment(load<u32>(segments + (segment << 3)), load<u32>(segments + (segment << 3), 4), top);
    for (let i = 0; i < 4; i++) store<i32>(STATES + (i << 4), 0);
    for (const end = min(mcu + perSegment, mcus); mcu < end; mcu++) {
      if (!hasRoom()) return NO_MEMORY;
      for (let i: u32 = 0; i < blocks; i++) {
        const block = BLOCKS + (i << 2);
        const state = STATES + (<usize>load<u8>(block) << 4);
        if (!directBlock(load<u8>(block, 1), load<u8>(block, 2), state)) return CORRUPT;
      }
      if (--untilMark > 0) continue;
      untilMark = interval;
      store<u32>(lengths, <u32>Tokens.at);
      lengths += 4;
      for (let i = 0; i < 4; i++) store<i32>(STATES + (i << 4), 0, 4);
    }
    if (!isDone()) return CORRUPT;
  }
  return DONE;
}

function directBlock(dc: u32, ac: u32, state: usize): bool {
  let at = Reader.at;
  let bits = bitsAt(at);
  let entry = lookUp(dc, bits, SEQUENTIAL);
  if (isNoCode(entry)) return false;
  let length = entry & 255;
  let size = (entry >> 16) & 15;
  const difference = extend(<i32>(bits >> (64 - length)) & ((1 << size) - 1), size);
  const value = load<i32>(state) + difference;
  const written = value - load<i32>(state, 4);
  if (abs<i32>(value) > MAX_DC || abs<i32>(written) > MAX_DC) return false;
  addValue(dc, 0, written);
  store<i32>(state, value);
  store<i32>(state, value, 4);
  const lookup = LOOKUPS + <usize>ac * LOOKUP_BYTES;
  let to = Tokens.at;
  at += length;
  let k: u32 = 1;
  // Two codes with their extra bits are 52 bits at most, of 57.
  while (k < 64) {
    bits = bitsAt(at);
    entry = load<u32>(lookup + (<usize>(bits >> 52) << 2));
    if (entry == 0) entry = longCode(ac, bits, SEQUENTIAL);
    to = addEntry(to, entry, bits);
    length = entry & 255;
    at += length;
    k += (entry >> 8) & 255;
    if (k > 63) break;
    bits <<= length;
    entry = load<u32>(lookup + (<usize>(bits >> 52) << 2));
    if (entry == 0) entry = longCode(ac, bits, SEQUENTIAL);
    to = addEntry(to, entry, bits);
    at += entry & 255;
    k += (entry >> 8) & 255;
  }
  Tokens.at = to;
  Reader.at = at;
  return (k == 64 || (k > 127 && k < 192)) && at <= Reader.end;
}

/** Writes the token of an entry, whose extra bits stand behind its code; returns where the next goes. */
// @ts-ignore: decorator
@inline
function addEntry(to: usize, entry: u32, bits: u64): usize {
  const size = (entry >> 16) & 15;
  store<u32>(to, (entry & 0xffff0000) | (<u32>(bits >> (64 - (entry & 255))) & ((1 << size) - 1)));
  const counter = counterOf(entry >> 16, to);
  store<u32>(counter, load<u32>(counter) + 1);
  return to + 4;
}
