import { bytesOf } from "./dtype.js";
import type { SampleValue } from "./schema.js";

/**
 * The bytes of a value: a tensor's or ragged value's elements, the bytes themselves, a string's UTF-8. They are the
 * bytes of its extent, where the field has extents. Shares memory where it can.
 */
export function sampleBytes(value: SampleValue): Uint8Array {
  if (typeof value === "string") return Buffer.from(value, "utf8");
  return bytesOf("shape" in value ? value.data : value);
}

/**
 * The bytes of a value that its checksum covers: those of {@link sampleBytes}, and in front of a ragged value's its
 * shape, an int64 an extent, little-endian. Shares memory where it can.
 */
export function checksumBytes(value: SampleValue): Uint8Array {
  const bytes = sampleBytes(value);
  if (typeof value === "string" || !("shape" in value)) return bytes;
  return Buffer.concat([shapeBytes(value.shape), bytes]);
}

/** A shape as checksums cover it: an int64 an extent, little-endian. */
export function shapeBytes(shape: readonly number[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(shape, (extent) => BigInt.asIntN(64, BigInt(extent))).buffer);
}
