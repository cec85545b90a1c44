/** Tag of the orientation, and the type `SHORT` that it has (TIFF 6.0, sections 2 and 8). */
const ORIENTATION = 0x0112;
const SHORT = 3;

/**
 * The orientation in an EXIF block, a TIFF file in `[at, end)` of `bytes`: 1 to 8, 1 (upright) where the block gives
 * none, `undefined` where the block is damaged or gives something else.
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
