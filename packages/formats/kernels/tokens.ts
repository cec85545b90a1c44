// Symbols of the output with their extra bits, uint32: (table << 8 | symbol) << 16 | extra.

import { CODES, HISTOGRAM } from "./layout";
import { mark, markerOf, Writer, writeWord } from "./writer";

export class Tokens {
  /** Where the next goes. */
  static at: usize = 0;
  /** End of the memory. */
  static limit: usize = 0;
}

/** Tokens of the largest MCU: 10 blocks of 64. */
const MCU_BYTES: usize = 2560;

/** Begins at an address. */
export function openTokens(at: usize): void {
  memory.fill(HISTOGRAM, 0, 16384);
  Tokens.at = at;
  Tokens.limit = <usize>memory.size() << 16;
}

/** Makes sure that there is room for an MCU; false if there is no memory. */
// @ts-ignore: decorator
@inline
export function hasRoom(): bool {
  return Tokens.at + MCU_BYTES <= Tokens.limit || growTokens();
}

function growTokens(): bool {
  // An eighth of what there is, at least 4 MiB.
  const pages = max(64, memory.size() >> 3);
  if (memory.grow(pages) < 0) return false;
  Tokens.limit = <usize>memory.size() << 16;
  return true;
}

/** Where the token that goes to an address is counted. */
// @ts-ignore: decorator
@inline
export function counterOf(key: u32, to: usize): usize {
  return HISTOGRAM + (<usize>key << 2) + ((to & 4) << 11);
}

/** Appends a symbol; the key is table << 8 | symbol. */
// @ts-ignore: decorator
@inline
export function addToken(key: u32, extra: u32): void {
  const count = counterOf(key, Tokens.at);
  store<u32>(count, load<u32>(count) + 1);
  store<u32>(Tokens.at, (key << 16) | extra);
  Tokens.at += 4;
}

/** Appends a value with a run of zeros before it. */
// @ts-ignore: decorator
@inline
export function addValue(table: u32, run: u32, value: i32): void {
  const size = 32 - clz<i32>(abs<i32>(value));
  addToken((table << 8) | (run << 4) | size, value < 0 ? value + (1 << size) - 1 : value);
}

/** Encodes the tokens of all segments, whose ends stand in `lengths`, which then holds their bytes. */
export function encode(tokens: usize, lengths: usize, segments: u32, to: usize): usize {
  Writer.to = to;
  Writer.bits = 0;
  Writer.count = 0;
  let at = tokens;
  for (let segment: u32 = 0; segment < segments; segment++) {
    const begin = Writer.to;
    const end = <usize>load<u32>(lengths + (segment << 2));
    encodeRun(at, end);
    at = end;
    mark(markerOf(segment, segments));
    store<u32>(lengths + (segment << 2), <u32>(Writer.to - begin));
  }
  return Writer.to;
}

function encodeRun(from: usize, to: usize): void {
  let out = Writer.to;
  let bits = Writer.bits;
  let count = Writer.count;
  for (; from < to; from += 4) {
    const token = load<u32>(from);
    const code = load<u32>(CODES + ((token >> 16) << 2));
    const value = (<u64>(code >> 8) << ((token >> 16) & 15)) | (token & 0xffff);
    const length = <i32>(code & 255);
    const free = 64 - count;
    if (length < free) {
      bits |= value << (free - length);
      count += length;
    } else {
      const rest = length - free;
      out = writeWord(out, bits | (value >> rest));
      bits = rest == 0 ? 0 : value << (64 - rest);
      count = rest;
    }
  }
  Writer.to = out;
  Writer.bits = bits;
  Writer.count = count;
}

/** Where the tokens end. */
export function tokensEnd(): usize {
  return Tokens.at;
}
