import { CorruptShardError, SchemaError } from "./errors.js";

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The text of bytes from a file; a byte order mark is a character like any other.
 * @throws CorruptShardError if they are not UTF-8.
 */
export function decodeText(bytes: Uint8Array, place: { file: string; sample: number; field: string }): string {
  try {
    return UTF8.decode(bytes);
  } catch (cause) {
    throw new CorruptShardError({ ...place, problem: "the text is not UTF-8", cause });
  }
}

/**
 * The UTF-8 of a text.
 * @throws SchemaError if it has half a surrogate pair, which would not come back.
 */
export function encodeText(text: string, field: string): Uint8Array {
  if (/\p{Surrogate}/u.test(text))
    throw new SchemaError({ field, problem: "has half a surrogate pair, which UTF-8 cannot hold" });
  return Buffer.from(text, "utf8");
}
