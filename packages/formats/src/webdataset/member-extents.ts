import { tableExtents, type Extents } from "../extents.js";
import { isMillraceError } from "../errors.js";
import { raggedShapes } from "../ragged-shapes.js";
import type { ScanWindow } from "../scan-window.js";
import type { Field } from "../schema.js";
import { isElementsOf } from "./decode-member.js";
import { readNpyMember } from "./npy-member.js";
import type { SampleMembers } from "./sample-members.js";

/** Larger members have no extents. */
const MAX_EXTENT_BYTES = 2 ** 32 - 1;

/** Where the values of a field lie. */
export interface MemberPlaces {
  readonly extents: Extents;
  /** As `ShardReader.shapes`. */
  readonly shapes: Int32Array | undefined;
}

/**
 * Where the values of a field lie, if every sample has one member for it that holds its bytes as they are; those of a tensor
 * or a ragged value lie behind the header of its `.npy`, which is read of each. Otherwise reading the samples tells which one is wrong.
 */
export function memberExtents(
  window: ScanWindow,
  members: SampleMembers,
  field: Field,
  number: number,
): MemberPlaces | undefined {
  const offsets = new Float64Array(members.length);
  const byteLengths = new Uint32Array(members.length);
  const rank = field.kind === "ragged" ? field.rank : 0;
  const shapes = new Float64Array(members.length * rank);
  for (let row = 0; row < members.length; row++) {
    const place = members.find(row, number);
    if (place === undefined || place === "several" || place.column.codec === "decimal") return undefined;
    let { offset, size } = place;
    if (field.kind === "tensor" || field.kind === "ragged") {
      const npy = npyMember(window, offset, size);
      if (!isElementsOf(field, npy)) return undefined;
      if (field.kind === "ragged") shapes.set(npy.shape, row * rank);
      offset = npy.offset;
      size = npy.byteLength;
    }
    if (size > MAX_EXTENT_BYTES) return undefined;
    offsets[row] = offset;
    byteLengths[row] = size;
  }
  const extents = tableExtents(offsets, byteLengths);
  return { extents, shapes: field.kind === "ragged" ? raggedShapes(field, extents, shapes) : undefined };
}

function npyMember(window: ScanWindow, offset: number, size: number): ReturnType<typeof readNpyMember> {
  try {
    return readNpyMember(window, offset, size);
  } catch (error) {
    if (isMillraceError(error, "CORRUPT_SHARD")) return error.message;
    throw error;
  }
}
