import { CorruptShardError, type ErrorPlace } from "../errors.js";
import { decodeLz4Frame } from "./lz4-frame.js";

/** How buffers are compressed. Source: Message.fbs, CompressionType. */
export type Codec = "lz4" | "zstd";

/** Makes `length` bytes of those of a compressed buffer; `undefined` if they do not give just so many. */
export type Decoder = (bytes: Uint8Array, length: number) => Uint8Array | undefined;

/** Loads what decompresses buffers; the library for zstd only where it is asked for. */
export async function loadDecoders(codecs: ReadonlySet<Codec>): Promise<ReadonlyMap<Codec, Decoder>> {
  const decoders = new Map<Codec, Decoder>([["lz4", decodeLz4Frame]]);
  if (!codecs.has("zstd")) return decoders;
  const { ZSTDDecoder } = await import("zstddec");
  const zstd = new ZSTDDecoder();
  await zstd.init();
  // Asked for 0 bytes it would take the length from the frame, however large; on damage it gives fewer bytes.
  return decoders.set("zstd", (bytes, length) => (length === 0 ? new Uint8Array(0) : zstd.decode(bytes, length)));
}

/**
 * Decompresses a buffer.
 * @throws CorruptShardError unless it gives `length` bytes.
 */
export function decompress(decoder: Decoder, bytes: Uint8Array, length: number, place: ErrorPlace): Uint8Array {
  let result: Uint8Array | undefined;
  let cause: unknown;
  try {
    result = decoder(bytes, length);
  } catch (error) {
    cause = error;
  }
  if (result?.length === length) return result;
  throw new CorruptShardError({
    ...place,
    problem: "a compressed buffer is damaged",
    expected: `${length} bytes`,
    found: result === undefined ? undefined : `${result.length}`,
    fix: "copy the file again",
    cause,
  });
}
