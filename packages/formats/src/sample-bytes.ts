import { bytesOf } from "./dtype.js";
import type { SampleValue } from "./schema.js";

/**
 * The bytes of a value that checksums cover: a tensor's or ragged value's elements, the bytes themselves, a string's
 * UTF-8. They are the bytes of its extent, where the field has extents. Shares memory where it can.
 */
export function sampleBytes(value: SampleValue): Uint8Array {
  if (typeof value === "string") return Buffer.from(value, "utf8");
  return bytesOf("shape" in value ? value.data : value);
}
