import type { JpegFrame } from "./frame.js";
import type { Header } from "./header.js";
import { FIXED_BYTES, JFIF, LONG, SHORT } from "./segments.js";

/**
 * The index of one image, which `decodeJpegSegments` reads:
 *
 * ```text
 * 0   kind: 1 lengths of 16 bits, 2 of 32; + 4 if the JPEG has a JFIF segment
 * 1   MCU: width / 8, + 16 * height / 8
 * 2   width, height                       uint16 each
 * 6   MCUs of a segment                   uint16
 * 8   start and end of the header         uint32 each
 * 16  length of each segment, row by row  uint16 or uint32, little-endian as all else
 * ```
 */
export function encodeJpegSegments(
  frame: JpegFrame,
  interval: number,
  header: Header,
  lengths: Uint32Array,
): Uint8Array {
  const isLong = lengths.some((length) => length > 0xffff);
  const size = isLong ? 4 : 2;
  const bytes = new Uint8Array(FIXED_BYTES + size * lengths.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = (isLong ? LONG : SHORT) + (header.hasJfif ? JFIF : 0);
  bytes[1] = frame.mcuWidth / 8 + 2 * frame.mcuHeight;
  view.setUint16(2, frame.width, true);
  view.setUint16(4, frame.height, true);
  view.setUint16(6, interval, true);
  view.setUint32(8, header.essentialStart, true);
  view.setUint32(12, header.bytes.length, true);
  for (const [i, length] of lengths.entries()) {
    if (isLong) view.setUint32(FIXED_BYTES + 4 * i, length, true);
    else view.setUint16(FIXED_BYTES + 2 * i, length, true);
  }
  return bytes;
}
