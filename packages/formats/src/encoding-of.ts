import type { Encoding } from "./schema.js";

/** The first bytes of encoded images. */
const SIGNATURES: readonly [Encoding, RegExp][] = [
  ["jpeg", /^\xff\xd8\xff/u],
  ["png", /^\x89PNG\r\n/u],
  ["webp", /^RIFF.{4}WEBP/su],
];

/** The encoding that the first bytes of a value tell. */
export function encodingOf(bytes: Uint8Array): Encoding {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 12)).toString("latin1");
  return SIGNATURES.find(([, signature]) => signature.test(text))?.[0] ?? "none";
}

/** One encoding for all of several values: theirs if they agree, `image` for images of several kinds, else `none`. */
export function commonEncoding(encodings: readonly Encoding[]): Encoding {
  const kinds = new Set(encodings);
  if (kinds.size === 1) return encodings[0] as Encoding;
  return kinds.size === 0 || kinds.has("none") ? "none" : "image";
}
