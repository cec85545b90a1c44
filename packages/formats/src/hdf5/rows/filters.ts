import { inflateSync } from "node:zlib";
import { FILTERS, type Filter } from "../metadata/filter-message.js";

/** Bytes of a Fletcher checksum at the end of a chunk. */
const CHECKSUM_BYTES = 4;

/** True if {@link decodeChunk} knows the filter. */
export function isKnownFilter({ id }: Filter): boolean {
  return id === FILTERS.deflate || id === FILTERS.shuffle || id === FILTERS.fletcher32;
}

/**
 * Undoes the filters of a chunk. Returns its elements, or a sentence that says what is wrong with it; the output never
 * grows beyond `chunkBytes`, whatever the deflated stream announces. May share memory with `encoded`.
 */
export function decodeChunk(
  encoded: Uint8Array,
  filters: readonly Filter[],
  mask: number,
  chunkBytes: number,
): Uint8Array | string {
  let bytes = encoded;
  for (let i = filters.length - 1; i >= 0; i--) {
    if (((mask >>> i) & 1) !== 0) continue;
    const { id, parameters } = filters[i] as Filter;
    if (id === FILTERS.fletcher32) {
      if (!isFletcherRight(bytes)) return "its Fletcher checksum is wrong";
      bytes = bytes.subarray(0, -CHECKSUM_BYTES);
    } else if (id === FILTERS.deflate) {
      const inflated = inflate(bytes, chunkBytes + filters.length * CHECKSUM_BYTES);
      if (typeof inflated === "string") return inflated;
      bytes = inflated;
    } else {
      bytes = unshuffle(bytes, parameters[0] ?? 1);
    }
  }
  return bytes.length === chunkBytes ? bytes : `it has ${bytes.length} bytes, expected ${chunkBytes}`;
}

function inflate(bytes: Uint8Array, maxOutputLength: number): Uint8Array | string {
  try {
    return inflateSync(bytes, { maxOutputLength });
  } catch (error) {
    return `it cannot be inflated: ${(error as Error).message}`;
  }
}

/** Puts the bytes of each element together again: the filter stored all first bytes, then all second ones ... */
function unshuffle(bytes: Uint8Array, elementBytes: number): Uint8Array {
  const count = Math.floor(bytes.length / elementBytes);
  if (elementBytes < 2 || count < 2) return bytes;
  const result = new Uint8Array(bytes.length);
  for (let part = 0, from = 0; part < elementBytes; part++)
    for (let to = part, i = 0; i < count; i++, to += elementBytes) result[to] = bytes[from++] as number;
  result.set(bytes.subarray(count * elementBytes), count * elementBytes);
  return result;
}

/**
 * HDF5's Fletcher-32 (H5checksum.c): over big-endian 16-bit words, an odd byte counts as the high one. Files of HDF5
 * before 1.6.3 have the two bytes of each half exchanged; the library takes both, so do we.
 */
function isFletcherRight(bytes: Uint8Array): boolean {
  const end = bytes.length - CHECKSUM_BYTES;
  if (end < 0) return false;
  let low = 0;
  let high = 0;
  for (let i = 0; i < end;) {
    for (const stop = Math.min(end, i + 720); i < stop; i += 2) {
      low += ((bytes[i] as number) << 8) | (i + 1 < end ? (bytes[i + 1] as number) : 0);
      high += low;
    }
    low = (low & 0xffff) + (low >>> 16);
    high = (high & 0xffff) + (high >>> 16);
  }
  low = (low & 0xffff) + (low >>> 16);
  high = (high & 0xffff) + (high >>> 16);
  const [a, b, c, d] = bytes.subarray(end) as unknown as [number, number, number, number];
  const stored = { low: a | (b << 8), high: c | (d << 8) };
  const old = { low: (a << 8) | b, high: (c << 8) | d };
  return [stored, old].some((sum) => sum.low === low && sum.high === high);
}
