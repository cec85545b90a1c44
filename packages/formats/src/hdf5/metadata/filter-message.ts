import type { Cursor } from "./cursor.js";

/** Registered numbers of HDF5's filters. */
export const FILTERS = { deflate: 1, shuffle: 2, fletcher32: 3 } as const;

/** One step of a chunk's encoding. */
export interface Filter {
  readonly id: number;
  /** What the file calls it; mostly empty. */
  readonly name: string;
  /** Parameters; of shuffle, the bytes of an element. */
  readonly parameters: readonly number[];
}

/** Names from this number up stand in the file; those below are known. */
const FIRST_NAMED = 256;

/**
 * Reads a filter pipeline message; encoding applies the filters in order, decoding in reverse.
 *
 * ```text
 * 0  version            1
 * 1  number of filters  1
 * 2  reserved           6   version 1
 *    each filter:
 *    id                 2
 *    bytes of the name  2   not in version 2 below id 256
 *    flags              2
 *    parameters (n)     2
 *    name                   padded to 8 in version 1
 *    parameters         4 * n, padded to 8 in version 1
 * ```
 *
 * Source: HDF5 file format specification 3.0, section IV.A.2.l.
 */
export function readFilters(cursor: Cursor): Filter[] {
  const version = cursor.version(1, 2);
  const count = cursor.u8();
  if (count > 32) cursor.fail("too many filters", "at most 32", `${count}`);
  if (version === 1) cursor.skip(6);
  return Array.from({ length: count }, () => {
    const id = cursor.u16();
    const nameBytes = version === 1 || id >= FIRST_NAMED ? cursor.u16() : 0;
    cursor.skip(2);
    const parameterCount = cursor.u16();
    const name = cursor.take(version === 1 ? Math.ceil(nameBytes / 8) * 8 : nameBytes).toString("latin1");
    const parameters = Array.from({ length: parameterCount }, () => cursor.u32());
    if (version === 1 && parameterCount % 2 === 1) cursor.skip(4);
    return { id, name: name.replace(/\0.*$/su, ""), parameters };
  });
}
