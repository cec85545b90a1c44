import { refuse } from "./refusal.js";

/** A Huffman table as DHT tells it (ITU-T T.81, B.2.4.2). Never changed once made. */
export interface HuffmanTable {
  /** `counts[i]`: how many codes have `i + 1` bits; 16 of them. */
  readonly counts: Uint8Array;
  /** The symbols in the order of their codes. */
  readonly symbols: Uint8Array;
}

/** The code of each symbol, by the symbol. */
export interface HuffmanCodes {
  readonly codes: Uint16Array;
  /** Bits of the code; 0: the table has no such symbol. */
  readonly lengths: Uint8Array;
}

/** Gives each symbol its code: annex C of ITU-T T.81. */
export function codesOf(table: HuffmanTable): HuffmanCodes {
  const codes = new Uint16Array(256);
  const lengths = new Uint8Array(256);
  let code = 0;
  let at = 0;
  for (let length = 1; length <= 16; length++) {
    for (let i = table.counts[length - 1] as number; i > 0; i--) {
      const symbol = table.symbols[at++] as number;
      codes[symbol] = code++;
      lengths[symbol] = length;
    }
    code <<= 1;
  }
  return { codes, lengths };
}

/** The share of all codes of 16 bits that the table uses up. */
export function usedCodes(table: HuffmanTable): number {
  return table.counts.reduce((sum, count, i) => sum + count * 2 ** (15 - i), 0);
}

/**
 * Refuses tables that are no prefix code, use the code of all ones, or name a symbol twice: decoders differ about the
 * first two, and the third cannot be encoded by.
 */
export function checkTable(table: HuffmanTable, byte: number): void {
  let code = 0;
  for (let length = 1; length <= 16; length++) {
    code += table.counts[length - 1] as number;
    if (code >= 2 ** length) refuse("corrupt", "has a Huffman table with too many codes", byte);
    code *= 2;
  }
  const seen = new Uint8Array(256);
  for (const symbol of table.symbols) {
    if (seen[symbol] === 1) refuse("corrupt", "has a Huffman table with a symbol twice", byte);
    seen[symbol] = 1;
  }
}

/** Most bits of the difference of two DC values of 8-bit samples. */
export const MAX_DC_BITS = 11;
/** Largest DC value and largest difference of two. */
export const MAX_DC = 2047;
/** Most bits of an AC coefficient of 8-bit samples. */
export const MAX_AC_BITS = 10;

/**
 * A DC table with every category from 0 to 11, which restarts may need although the source did not. What is missing is
 * appended as longer codes, so that the codes of the others stay as they are.
 * @returns `undefined` if there is no room.
 */
export function completeDcTable(table: HuffmanTable): HuffmanTable | undefined {
  const missing: number[] = [];
  for (let category = 0; category <= MAX_DC_BITS; category++)
    if (!table.symbols.includes(category)) missing.push(category);
  if (missing.length === 0) return table;
  const used = usedCodes(table);
  const longest = table.counts.findLastIndex((count) => count > 0) + 1;
  for (let length = Math.max(longest, 1); length <= 16; length++) {
    // The code of all ones stays free.
    if (used + missing.length * 2 ** (16 - length) >= 65536) continue;
    const counts = Uint8Array.from(table.counts);
    counts[length - 1] = (counts[length - 1] as number) + missing.length;
    return { counts, symbols: Uint8Array.from([...table.symbols, ...missing]) };
  }
  return undefined;
}
