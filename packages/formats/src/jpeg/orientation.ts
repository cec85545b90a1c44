const EXIF = [0x45, 0x78, 0x69, 0x66, 0, 0];
/** Tag of the orientation in the first image file directory (EXIF 2.3, 4.6.4). */
const ORIENTATION = 0x0112;

/** True if the segment is that of EXIF. */
export function isExif(payload: Uint8Array): boolean {
  return EXIF.every((byte, i) => payload[i] === byte);
}

/**
 * The orientation that an EXIF segment tells: 1 upright, 2 to 8 mirrored or turned. 1 also where it tells none, or is
 * not readable.
 * @param payload the content of an APP1 segment
 */
export function exifOrientation(payload: Uint8Array): number {
  if (!isExif(payload)) return 1;
  const tiff = payload.subarray(EXIF.length);
  if (tiff.length < 14) return 1;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const order = view.getUint16(0);
  const little = order === 0x4949;
  if (!little && order !== 0x4d4d) return 1;
  const directory = view.getUint32(4, little);
  if (directory + 2 > tiff.length) return 1;
  const entries = view.getUint16(directory, little);
  for (let i = 0, at = directory + 2; i < entries && at + 12 <= tiff.length; i++, at += 12) {
    if (view.getUint16(at, little) !== ORIENTATION) continue;
    const value = view.getUint16(at + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}
