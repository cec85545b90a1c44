import { dtypeBytes } from "./dtype.js";
import { byteLengthOf, type Extents } from "./extents.js";
import type { RaggedField } from "./schema.js";

/** The largest extent that is kept: Arrow keeps shapes as int32. */
const MAX_EXTENT = 2 ** 31 - 1;

/**
 * The shapes `[length, rank]` of the values of a ragged field, from the extents of its elements and the shapes that the
 * file keeps. `undefined` if one of them does not fit the bytes of its elements: reading the samples tells which.
 */
export function raggedShapes(
  field: RaggedField,
  extents: Extents,
  stored: ArrayLike<number | bigint>,
): Int32Array | undefined {
  const { rank } = field;
  if (stored.length !== extents.length * rank) return undefined;
  const elementBytes = dtypeBytes(field.dtype);
  const shapes = new Int32Array(stored.length);
  for (let row = 0; row < extents.length; row++) {
    let byteLength = elementBytes;
    for (let at = row * rank; at < (row + 1) * rank; at++) {
      const extent = Number(stored[at]);
      if (!(extent >= 0 && extent <= MAX_EXTENT)) return undefined;
      shapes[at] = extent;
      byteLength *= extent;
    }
    if (byteLength !== byteLengthOf(extents, row)) return undefined;
  }
  return shapes;
}
