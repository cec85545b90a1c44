import type { JpegDecode } from "./jpeg-decode.js";

/** A decoder of plain JPEGs that was looked for: one that works, or the reason why not. */
export interface LoadedDecoder {
  /** Package and, where it is known, version. */
  readonly library: string;
  /** Why it cannot be used, as the end of a sentence that begins with the library; `undefined` if it can. */
  readonly problem: string | undefined;
  readonly decode: JpegDecode | undefined;
}
