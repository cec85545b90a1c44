/** What the sum is taken of, as words; longer texts make it longer. */
let words = new Int32Array(1024);
let room = new Uint8Array(words.buffer);

/** Bytes that are mixed at a time. */
const ROUND = 12;

/**
 * Checksum of HDF5's metadata: Bob Jenkins's `lookup3.c`, `hashlittle` with initial value 0 (2006, public domain), as
 * the HDF5 file format specification names it. An unsigned 32-bit number.
 *
 * A thread opens its first shards with code that is not compiled yet. There, an element of an `Int32Array` is read many
 * times faster than a call of a method reads it.
 */
export function lookup3(bytes: Uint8Array): number {
  const { length } = bytes;
  if (room.length < length + ROUND) {
    words = new Int32Array((length + ROUND + 3) >> 2);
    room = new Uint8Array(words.buffer);
  }
  room.set(bytes);
  room.fill(0, length, length + ROUND);
  const end = Math.ceil(length / ROUND) * 3 - 3;
  let a = (0xdeadbeef + length) | 0;
  let b = a;
  let c = a;
  for (let at = 0; at < end; at += 3) {
    a = (a + (words[at] as number)) | 0;
    b = (b + (words[at + 1] as number)) | 0;
    c = (c + (words[at + 2] as number)) | 0;
    a = (a - c) ^ ((c << 4) | (c >>> 28));
    c = (c + b) | 0;
    b = (b - a) ^ ((a << 6) | (a >>> 26));
    a = (a + c) | 0;
    c = (c - b) ^ ((b << 8) | (b >>> 24));
    b = (b + a) | 0;
    a = (a - c) ^ ((c << 16) | (c >>> 16));
    c = (c + b) | 0;
    b = (b - a) ^ ((a << 19) | (a >>> 13));
    a = (a + c) | 0;
    c = (c - b) ^ ((b << 4) | (b >>> 28));
    b = (b + a) | 0;
  }
  if (length === 0) return c >>> 0;
  a = (a + (words[end] as number)) | 0;
  b = (b + (words[end + 1] as number)) | 0;
  c = (c + (words[end + 2] as number)) | 0;
  c = (c ^ b) - rotate(b, 14);
  a = (a ^ c) - rotate(c, 11);
  b = (b ^ a) - rotate(a, 25);
  c = (c ^ b) - rotate(b, 16);
  a = (a ^ c) - rotate(c, 4);
  b = (b ^ a) - rotate(a, 14);
  c = (c ^ b) - rotate(b, 24);
  return c >>> 0;
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
