import type { ByteReader } from "./byte-reader.js";

/** Markers without a length: TEM, RST0 to RST7, SOI (ITU-T T.81, table B.1). */
function isBare(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

/**
 * Offset of the code of the next marker that is not bare, at or behind `at`; as decoders do, it skips stray bytes and
 * fill bytes of 0xff before it.
 * @throws ImageError of reason truncated where there is none.
 */
export function nextSegment(reader: ByteReader, at: number): number {
  for (;;) {
    at = reader.bytes.indexOf(0xff, at);
    if (at < 0) at = reader.length;
    while (reader.u8(at) === 0xff) at++;
    const marker = reader.u8(at);
    if (marker !== 0 && !isBare(marker)) return at;
    at++;
  }
}
