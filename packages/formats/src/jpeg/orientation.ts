const EXIF = [0x45, 0x78, 0x69, 0x66, 0, 0];
/** Tag of the orientation (EXIF 2.3, 4.6.4), and the type `SHORT` that it has (TIFF 6.0, section 2). */
const ORIENTATION = 0x0112;
const SHORT = 3;

/** True if the segment is that of EXIF. */
export function isExif(payload: Uint8Array): boolean {
  return EXIF.every((byte, i) => payload[i] === byte);
}

/**
 * The orientation in an EXIF block, a TIFF file in `[at, end)` of `bytes`: 1 to 8, 1 (upright) where the block gives
 * none, `undefined` where the block is damaged or gives something else, of which decoders make different things.
 */
export function exifOrientation(bytes: Uint8Array, at: number, end: number): number | undefined {
  if (end - at < 8) return undefined;
  const isLittle = bytes[at] === 0x49;
  if (bytes[at] !== bytes[at + 1] || (!isLittle && bytes[at] !== 0x4d)) return undefined;
  const u16 = (from: number): number => {
    const [a, b] = [bytes[from] as number, bytes[from + 1] as number];
    return isLittle ? a + b * 256 : a * 256 + b;
  };
  const [first, second] = [u16(at + 4), u16(at + 6)];
  const directory = at + (isLittle ? first + second * 65_536 : first * 65_536 + second);
  if (u16(at + 2) !== 42 || directory + 2 > end) return undefined;
  const entries = u16(directory);
  if (directory + 2 + entries * 12 > end) return undefined;
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + i * 12;
    if (u16(entry) !== ORIENTATION) continue;
    const value = u16(entry + 8);
    return u16(entry + 2) === SHORT && value >= 1 && value <= 8 ? value : undefined;
  }
  return 1;
}

/**
 * The orientation that an EXIF segment tells.
 * @param payload the content of an APP1 segment for which {@link isExif} is true
 */
export function segmentOrientation(payload: Uint8Array): number | undefined {
  return exifOrientation(payload, EXIF.length, payload.length);
}
