import type { ByteReader } from "./byte-reader.js";
import type { HeaderFormat, ImageSize } from "./header-format.js";

function size(reader: ByteReader): ImageSize {
  switch (reader.tag(12)) {
    case "VP8 ":
      // RFC 6386, 9.1: three bytes of frame tag, a start code, 14 bits of width, 2 of scale, the same for height.
      if (reader.u24le(23) !== 0x2a019d) reader.fail("corrupt", "has a VP8 frame without its start code", 23);
      return { width: reader.u16(26, true) % 16_384, height: reader.u16(28, true) % 16_384 };
    case "VP8L": {
      if (reader.u8(20) !== 0x2f) reader.fail("corrupt", "has a VP8L stream without its signature", 20);
      const bits = reader.u32(21, true);
      return { width: (bits % 16_384) + 1, height: (Math.floor(bits / 16_384) % 16_384) + 1 };
    }
    case "VP8X":
      return { width: reader.u24le(24) + 1, height: reader.u24le(27) + 1 };
    default:
      return reader.fail("corrupt", "does not begin with a chunk VP8, VP8L or VP8X", 12);
  }
}

/** WebP (RFC 9649): RIFF, the length of what follows, WEBP, then chunks. */
export const webp: HeaderFormat = {
  signatures: ["RIFF????WEBP"],
  size,
  isWhole: (reader) => 8 + reader.u32(4, true) <= reader.length,
};
