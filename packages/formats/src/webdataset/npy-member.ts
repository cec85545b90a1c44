import { dtypeBytes } from "../dtype.js";
import {
  MAX_NPY_HEADER_BYTES,
  NPY_PREFIX_BYTES,
  decodeNpyHeader,
  npyHeaderBytes,
  type NpyHeader,
} from "../npy-header.js";
import type { ScanWindow } from "../scan-window.js";
import { elementsOf } from "../schema.js";

/** A `.npy` file in an archive. */
export interface NpyMember extends NpyHeader {
  /** Byte offset of its elements. */
  readonly offset: number;
  /** Bytes of its elements. */
  readonly byteLength: number;
}

/**
 * Reads the header of a `.npy` member. A text says why it is none: of another kind, or its header and its size do not
 * fit.
 */
export function readNpyMember(window: ScanWindow, offset: number, size: number): NpyMember | string {
  if (size < NPY_PREFIX_BYTES) return `has ${size} bytes, too few for a .npy file`;
  const at = window.ensure(offset, NPY_PREFIX_BYTES, "a .npy header");
  const headerBytes = npyHeaderBytes(window.bytes.subarray(at, at + NPY_PREFIX_BYTES));
  if (headerBytes === undefined) return "is no .npy file";
  if (headerBytes > MAX_NPY_HEADER_BYTES || headerBytes > size) return `has a .npy header of ${headerBytes} bytes`;
  const begin = window.ensure(offset, headerBytes, "a .npy header");
  const header = decodeNpyHeader(window.bytes.subarray(begin, begin + headerBytes));
  if (header === undefined) return "has a .npy header of elements that are not little-endian numbers in the order of C";
  const byteLength = elementsOf(header.shape) * dtypeBytes(header.dtype);
  if (headerBytes + byteLength !== size)
    return `has ${size - headerBytes} bytes of elements, its shape [${header.shape.join(", ")}] has ${byteLength}`;
  return { ...header, offset: offset + headerBytes, byteLength };
}
