import type { Cursor } from "./cursor.js";

/** Flag of version 3: a value follows. */
const DEFINED = 0x20;

/**
 * Reads a fill value message: what elements are that were never written. `undefined`: zeros.
 *
 * ```text
 * 0  version           1
 * version 1 and 2              version 3
 * 1  allocation time   1       1  flags   1   0x20: a value follows
 * 2  fill time         1       2  bytes   4
 * 3  defined           1       6  value
 * 4  bytes             4   version 1, or if defined
 * 8  value
 * ```
 *
 * Source: HDF5 file format specification 3.0, section IV.A.2.f.
 */
export function readFillValue(cursor: Cursor): Buffer | undefined {
  const version = cursor.version(1, 2, 3);
  if (version === 3) {
    if ((cursor.u8() & DEFINED) === 0) return undefined;
  } else {
    cursor.skip(2);
    const defined = cursor.u8() === 1;
    if (version === 2 && !defined) return undefined;
  }
  const value = cursor.take(cursor.u32());
  return value.length === 0 ? undefined : value;
}
