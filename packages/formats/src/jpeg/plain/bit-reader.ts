import { codesOf, type HuffmanTable } from "../huffman-table.js";

/** Bytes that may be read past the end, in the block that turns out to pass it. */
const SLACK = 256;

/** By the next 16 bits: bits of the code << 8 | symbol; 0 where there is no such code. */
export type DecodingTable = Uint16Array;

/** Builds the lookup of a table. */
export function decodingTable(table: HuffmanTable): DecodingTable {
  const { codes, lengths } = codesOf(table);
  const lookup = new Uint16Array(65536);
  for (const symbol of table.symbols) {
    const length = lengths[symbol] as number;
    const first = (codes[symbol] as number) << (16 - length);
    lookup.fill((length << 8) | symbol, first, first + (1 << (16 - length)));
  }
  return lookup;
}

/** Reads the bits of one entropy-coded segment. */
export class BitReader {
  /** Position of the next bit. */
  at = 0;
  /** Bits of the segment. */
  readonly end: number;
  readonly #bytes: Uint8Array;

  /** Takes the bytes from `begin` to `end`, without the zeros that stand after each 0xff. */
  constructor(bytes: Uint8Array, begin: number, end: number) {
    const clean = new Uint8Array(end - begin + SLACK);
    let length = 0;
    for (let i = begin; i < end; i++) {
      clean[length++] = bytes[i] as number;
      if (bytes[i] === 0xff) i++;
    }
    this.#bytes = clean;
    this.end = 8 * length;
  }

  /** True once bits were read that there are not. */
  get isPast(): boolean {
    return this.at > this.end;
  }

  /** True if all bytes are read; what is left of the last one is padding. */
  get isDone(): boolean {
    return this.at <= this.end && this.end - this.at < 8;
  }

  /** The next 16 bits, without taking them. */
  #peek(): number {
    const bytes = this.#bytes;
    const i = this.at >> 3;
    const word = ((bytes[i] as number) << 16) | ((bytes[i + 1] as number) << 8) | (bytes[i + 2] as number);
    return (word >> (8 - (this.at & 7))) & 0xffff;
  }

  /** Takes `count` bits, at most 16. */
  bits(count: number): number {
    const word = this.#peek() >> (16 - count);
    this.at += count;
    return word;
  }

  /** Takes a symbol; -1 if there is no such code. */
  symbol(table: DecodingTable): number {
    const entry = table[this.#peek()] as number;
    this.at += entry >> 8;
    return entry === 0 ? -1 : entry & 255;
  }
}

/** The value of so many bits after a symbol (ITU-T T.81, F.2.2.1, EXTEND). */
export function extend(bits: number, count: number): number {
  return count > 0 && bits < 1 << (count - 1) ? bits - (1 << count) + 1 : bits;
}
