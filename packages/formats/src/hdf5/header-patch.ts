import type { Dtype } from "../dtype.js";
import { FLOAT16_MESSAGE } from "./metadata/datatype.js";
import { lookup3 } from "./metadata/lookup3.js";
import { MESSAGES, type HeaderChunk, type ObjectHeader } from "./metadata/object-header.js";

/** Flag of an object header: it carries times. */
const HAS_TIMES = 0x20;
const TIMES_AT = 6;
const TIMES_BYTES = 16;
/** A string of UTF-8 padded with zeros, in the second byte of a datatype message; h5wasm can say only "spaces". */
const UTF8_NULL_PADDED = 0x11;

/** What a dataset's header has to say that h5wasm cannot be told. */
export interface Intent {
  readonly element: "text" | Dtype;
  readonly shape: readonly number[];
}

/**
 * Finishes an object header of version 2 as the library wrote it:
 * - its times become zero, so that the file's bytes depend on the samples only (the property that would leave them out,
 *   `H5Pset_obj_track_times`, cannot be reached through h5wasm);
 * - strings are padded with zeros, not with spaces;
 * - a dataset of float16, which h5wasm creates as float32 of half the rows, gets its own type, extent and size.
 *
 * Returns the chunks to be written back, with their checksums set anew.
 */
export function patchHeader(header: ObjectHeader, intent?: Intent): readonly HeaderChunk[] {
  const [first] = header.chunks;
  if (first !== undefined && ((first.bytes[5] as number) & HAS_TIMES) !== 0)
    first.bytes.fill(0, TIMES_AT, TIMES_AT + TIMES_BYTES);
  const body = (type: number): Buffer =>
    header.messages.find((message) => message.type === type)?.body().bytes ?? Buffer.alloc(0);
  const datatype = body(MESSAGES.datatype);
  if (intent?.element === "text") datatype[1] = UTF8_NULL_PADDED;
  if (intent?.element === "float16") {
    FLOAT16_MESSAGE.copy(datatype);
    patchRows(body(MESSAGES.dataspace), intent.shape);
    patchBytes(body(MESSAGES.layout), intent.shape);
  }
  for (const { bytes } of header.chunks) bytes.writeUInt32LE(lookup3(bytes.subarray(0, -4)), bytes.length - 4);
  return header.chunks;
}

/** Dataspace, version 2: head 4, extents 8 each, largest extents 8 each. */
function patchRows(dataspace: Buffer, shape: readonly number[]): void {
  const rows = BigInt(shape[0] as number);
  dataspace.writeBigUInt64LE(rows, 4);
  dataspace.writeBigUInt64LE(rows, 4 + 8 * shape.length);
}

/** Contiguous layout, version 3 and up: version 1, class 1, address 8, bytes 8. */
function patchBytes(layout: Buffer, shape: readonly number[]): void {
  layout.writeBigUInt64LE(BigInt(shape.reduce((product, extent) => product * extent, 2)), 10);
}
