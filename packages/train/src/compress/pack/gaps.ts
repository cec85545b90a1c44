/** A byte of this value stands for so many zeros, without a number after them. */
const ESCAPE = 255;

/**
 * Where the numbers of a sparse tensor are: for each the count of zeros before it, one byte, after a byte of 255 for each
 * full 255 zeros. The zeros after the last number are not told. (Han, Mao and Dally, "Deep Compression", 2016, section 2,
 * with bytes in place of 3 or 5 bits, as an entropy coder follows.)
 * @param keep - 1 for each number, 0 for each zero.
 */
export function encodeGaps(keep: Uint8Array): Uint8Array {
  const bytes: number[] = [];
  let zeros = 0;
  for (const mark of keep) {
    if (mark === 0) {
      zeros++;
      continue;
    }
    for (; zeros >= ESCAPE; zeros -= ESCAPE) bytes.push(ESCAPE);
    bytes.push(zeros);
    zeros = 0;
  }
  return Uint8Array.from(bytes);
}

/** What {@link encodeGaps} was given, of this length; `undefined` if the gaps do not tell `nonZeros` numbers within it. */
export function decodeGaps(gaps: Uint8Array, length: number, nonZeros: number): Uint8Array | undefined {
  const keep = new Uint8Array(length);
  let at = 0;
  let found = 0;
  for (const gap of gaps) {
    at += gap;
    if (gap === ESCAPE) continue;
    if (at >= length) return undefined;
    keep[at++] = 1;
    found++;
  }
  return found === nonZeros && gaps.at(-1) !== ESCAPE ? keep : undefined;
}

/** The most bytes that gaps of `nonZeros` numbers among `length` take. */
export function mostGapBytes(length: number, nonZeros: number): number {
  return nonZeros + Math.floor((length - nonZeros) / ESCAPE);
}
