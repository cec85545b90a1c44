import { CorruptShardError } from "../../errors.js";
import type { TextType } from "./datatype.js";

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const SPACE = 0x20;

/** The bytes of a fixed-length text without its padding, sharing memory. */
export function trimPadding(bytes: Uint8Array, padding: TextType["padding"]): Uint8Array {
  if (padding === "terminated") {
    const end = bytes.indexOf(0);
    return end < 0 ? bytes : bytes.subarray(0, end);
  }
  const pad = padding === "space" ? SPACE : 0;
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === pad || bytes[end - 1] === 0)) end--;
  return bytes.subarray(0, end);
}

/**
 * Decodes UTF-8, which ASCII is part of. `byte`: where the text stands in the file.
 * @throws CorruptShardError if it is neither.
 */
export function decodeText(bytes: Uint8Array, file: string, byte: number): string {
  try {
    return UTF8.decode(bytes);
  } catch (error) {
    throw new CorruptShardError({
      file,
      byte,
      problem: "a text is not UTF-8",
      cause: error,
      fix: "copy the file again",
    });
  }
}
