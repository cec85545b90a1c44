/** Bytes that a match has at least. */
const MIN_MATCH = 4;

/** A length nibble of this value goes on in the bytes behind it. */
const LONG = 15;

/** Runs shorter than this are copied byte by byte, which is faster than a call. */
const SHORT = 24;

/**
 * Decompresses one block of LZ4 into `target` from `start` on; its matches may reach back to the beginning of `target`.
 * Returns the end of what was written, or -1 if the block is damaged or does not fit.
 *
 * ```text
 * token      4 bits: length of the literals, 4 bits: length of the match less 4; 15 goes on in bytes of 255
 * literals
 * offset     uint16: how far back the match lies; absent, with the match, at the end of the block
 * ```
 *
 * Source: github.com/lz4/lz4, doc/lz4_Block_format.md.
 */
export function decodeLz4Block(block: Uint8Array, target: Uint8Array, start: number): number {
  const end = block.length;
  let from = 0;
  let to = start;
  while (from < end) {
    const token = block[from++] as number;
    let literals = token >>> 4;
    if (literals === LONG) {
      for (let more = 255; more === 255; literals += more) {
        if (from >= end) return -1;
        more = block[from++] as number;
      }
    }
    if (from + literals > end || to + literals > target.length) return -1;
    copyForward(block, from, target, to, literals);
    from += literals;
    to += literals;
    if (from === end) return to;
    if (from + 2 > end) return -1;
    const distance = (block[from] as number) | ((block[from + 1] as number) << 8);
    from += 2;
    let length = token & LONG;
    if (length === LONG) {
      for (let more = 255; more === 255; length += more) {
        if (from >= end) return -1;
        more = block[from++] as number;
      }
    }
    length += MIN_MATCH;
    if (distance === 0 || distance > to || to + length > target.length) return -1;
    copyMatch(target, to, distance, length);
    to += length;
  }
  return -1;
}

function copyForward(source: Uint8Array, from: number, target: Uint8Array, to: number, length: number): void {
  if (length >= SHORT) target.set(source.subarray(from, from + length), to);
  else for (let i = 0; i < length; i++) target[to + i] = source[from + i] as number;
}

/** A match that overlaps what it makes repeats its first `distance` bytes: each copy doubles what there is to copy. */
function copyMatch(target: Uint8Array, to: number, distance: number, length: number): void {
  const from = to - distance;
  if (length < SHORT) {
    for (let i = 0; i < length; i++) target[to + i] = target[from + i] as number;
    return;
  }
  let done = 0;
  while (done < length) {
    const count = Math.min(distance + done, length - done);
    target.copyWithin(to + done, from, from + count);
    done += count;
  }
}
