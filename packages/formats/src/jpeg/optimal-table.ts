import type { HuffmanTable } from "./huffman-table.js";

/** Most symbols of a table, and the reserved one. */
const LEAVES = 257;
/** Codes can be this long before they are cut to 16 bits: Fibonacci counts that sum to less than 2^32. */
const LONGEST = 48;

/**
 * The table of shortest codes for symbols that occur so often, none longer than 16 bits and none all ones: annex K.2 of
 * ITU-T T.81, with the two-queue method of van Leeuwen for the lengths.
 * @param histogram counts of 256 symbols, summing to less than 2^32. If all are 0, the table has the symbol 0.
 */
export function optimalTable(histogram: Uint32Array): HuffmanTable {
  const symbols: number[] = [];
  for (let symbol = 0; symbol < 256; symbol++) if ((histogram[symbol] as number) > 0) symbols.push(symbol);
  if (symbols.length === 0) symbols.push(0);
  // Rising counts; of equal counts the larger symbol first, so that it gets the longer code.
  symbols.sort((a, b) => (histogram[a] as number) - (histogram[b] as number) || b - a);
  const counts = limitLengths(lengthCounts(symbols.map((symbol) => Math.max(1, histogram[symbol] as number))));
  return { counts, symbols: Uint8Array.from(symbols.toReversed()) };
}

/** How many codes of each length the leaves get, with one leaf more, of count 0, for the code of all ones. */
function lengthCounts(rising: readonly number[]): number[] {
  const leaves = rising.length + 1;
  const weights = new Float64Array(2 * LEAVES);
  const parents = new Int32Array(2 * LEAVES);
  weights.set(rising, 1);
  let leaf = 0;
  let inner = leaves;
  const nodes = 2 * leaves - 1;
  for (let node = leaves; node < nodes; node++) {
    for (let child = 0; child < 2; child++) {
      const takeLeaf = leaf < leaves && (inner >= node || (weights[leaf] as number) <= (weights[inner] as number));
      const taken = takeLeaf ? leaf++ : inner++;
      parents[taken] = node;
      weights[node] = (weights[node] as number) + (weights[taken] as number);
    }
  }
  const depths = new Uint8Array(nodes);
  const counts = Array.from({ length: LONGEST + 1 }, () => 0);
  for (let node = nodes - 2; node >= 0; node--) {
    depths[node] = (depths[parents[node] as number] as number) + 1;
    if (node < leaves) counts[depths[node] as number] = (counts[depths[node] as number] as number) + 1;
  }
  return counts;
}

/** Shortens codes of more than 16 bits (figure K.3), then takes the longest code away: it is the one of all ones. */
function limitLengths(lengths: readonly number[]): Uint8Array {
  const counts = [...lengths];
  const add = (length: number, change: number): void => void (counts[length] = (counts[length] as number) + change);
  for (let length = LONGEST; length > 16; length--) {
    while ((counts[length] as number) > 0) {
      let shorter = length - 2;
      while (counts[shorter] === 0) shorter--;
      add(length, -2);
      add(length - 1, 1);
      add(shorter + 1, 2);
      add(shorter, -1);
    }
  }
  let longest = 16;
  while (counts[longest] === 0) longest--;
  add(longest, -1);
  return Uint8Array.from(counts.slice(1, 17));
}
