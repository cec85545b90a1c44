/*
 * A packed model; numbers are little-endian, docs/formats.md has the header's members:
 *
 *   0   "MRPACKED"                       8 bytes
 *   8   version                          uint32, 1
 *   12  bytes of the header in the file  uint32
 *   16  bytes of the header unpacked     uint32
 *   20  bytes of all streams             uint32
 *   24  header                           JSON, as a stream is packed
 *       streams                          in the order of the header, without gaps
 *   end-4  CRC-32C of all before it      uint32
 */

/** The version that this version writes; it reads this one only. */
export const PACKED_VERSION = 1;
/** How a packed model begins. */
export const MAGIC = "MRPACKED";
/** Where the header begins. */
export const PREFIX_BYTES = 24;
/** After the streams. */
export const END_BYTES = 4;
/** The longest header unpacked. */
export const MAX_HEADER_BYTES: number = 16 * 2 ** 20;
