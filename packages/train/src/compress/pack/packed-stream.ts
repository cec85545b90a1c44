import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";

/**
 * The bytes of a stream as they stand in the file: Brotli (RFC 7932), or as they are if that is not longer. So a stream
 * of as many bytes as it has unpacked is not compressed.
 * @param quality - 0 to 11, of Brotli.
 */
export function packStream(bytes: Uint8Array, quality: number): Uint8Array {
  if (bytes.length === 0) return bytes;
  const compressed = brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
  return compressed.length < bytes.length ? compressed : bytes;
}

/**
 * What {@link packStream} was given. No more memory is taken than for `length` bytes.
 * @returns the stream, which may be a part of `packed`; `undefined` if it is not one of `length` bytes.
 */
export function unpackStream(packed: Uint8Array, length: number): Uint8Array | undefined {
  if (packed.length === length) return packed;
  if (packed.length > length) return undefined;
  try {
    const bytes = brotliDecompressSync(packed, { maxOutputLength: length });
    return bytes.length === length ? bytes : undefined;
  } catch {
    return undefined;
  }
}
