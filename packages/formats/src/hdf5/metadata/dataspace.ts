import type { Cursor } from "./cursor.js";

/** The extents of a dataset or an attribute. */
export interface Dataspace {
  /** `[]` for a scalar; `undefined` for the null space, which has no element. */
  readonly shape: readonly number[] | undefined;
  /** The largest extents; `undefined` is unlimited. */
  readonly maxShape: readonly (number | undefined)[];
}

/** HDF5's own limit (H5S_MAX_RANK). */
const MAX_RANK = 32;
const NULL_SPACE = 2;

/**
 * Reads a dataspace message.
 *
 * ```text
 * 0  version        1
 * 1  rank           1
 * 2  flags          1   bit 0: largest extents follow
 * 3  reserved       5   version 1
 * 3  type           1   version 2: 0 scalar, 1 simple, 2 null
 *    extents        L * rank
 *    largest        L * rank
 * ```
 *
 * Source: HDF5 file format specification 3.0, section IV.A.2.b.
 */
export function readDataspace(cursor: Cursor): Dataspace {
  const version = cursor.version(1, 2);
  const rank = cursor.u8();
  if (rank > MAX_RANK) cursor.fail("too many dimensions", `at most ${MAX_RANK}`, `${rank}`);
  const flags = cursor.u8();
  const type = cursor.u8();
  if (version === 1) cursor.skip(4);
  const shape = Array.from({ length: rank }, () => cursor.length());
  const elements = shape.reduce((product, extent) => product * extent, 1);
  if (!Number.isSafeInteger(elements)) cursor.fail("too many elements", "less than 2^53", shape.join(" x "));
  const { lengthBytes } = cursor.dialect;
  const maxShape = (flags & 1) === 0 ? shape : shape.map(() => cursor.maybeUint(lengthBytes));
  return { shape: version === 2 && type === NULL_SPACE ? undefined : shape, maxShape };
}
