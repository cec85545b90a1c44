import { pack } from "./pack.js";

/** The smallest collection that HDF5 takes (H5HG_MINSIZE). */
const MIN_BYTES = 4096;
const HEAD_BYTES = 16;

/**
 * A collection of the global heap with these objects, numbered from 1 and laid out as `GlobalHeap` says. What is left of
 * it is object 0.
 */
export function encodeHeapCollection(objects: readonly Uint8Array[]): Buffer {
  const packed = objects.map((bytes, i) =>
    pack([2, i + 1], [2, 0], [4, 0], [8, bytes.length], bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)),
  );
  const used = packed.reduce((sum, { length }) => sum + length, HEAD_BYTES);
  const total = Math.max(MIN_BYTES, used + HEAD_BYTES);
  const free = pack([2, 0], [2, 0], [4, 0], [8, total - used], Buffer.alloc(total - used - HEAD_BYTES));
  return pack("GCOL", [1, 1], [3, 0], [8, total], ...packed, free);
}
