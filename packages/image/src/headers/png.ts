import type { ByteReader } from "./byte-reader.js";
import type { HeaderFormat } from "./header-format.js";

/** Walks the chunks (length, type, data, CRC) to IEND. */
function isWhole(reader: ByteReader): boolean {
  for (let at = 8; at + 12 <= reader.length; at += 12 + reader.u32(at)) if (reader.tag(at + 4) === "IEND") return true;
  return false;
}

/** PNG (ISO/IEC 15948): signature, then the chunk IHDR. */
export const png: HeaderFormat = {
  signatures: ["\u0089PNG\r\n\u001a\n"],
  size(reader) {
    if (reader.tag(12) !== "IHDR") reader.fail("corrupt", "does not begin with the chunk IHDR", 12);
    return { width: reader.u32(16), height: reader.u32(20) };
  },
  isWhole,
};
