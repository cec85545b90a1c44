import type { HeaderFormat } from "./header-format.js";

/** GIF: signature, then width and height of the logical screen. */
export const gif: HeaderFormat = {
  signatures: ["GIF87a", "GIF89a"],
  size: (reader) => ({ width: reader.u16(6, true), height: reader.u16(8, true) }),
};
