import type { StreamName } from "./packed-header.js";
import { readPacked, refusal } from "./read-packed.js";

/** A stream of a packed model. */
export interface PackedStream {
  /** Name of the weight. */
  readonly tensor: string;
  readonly stream: StreamName;
  /** Bytes in the file. */
  readonly bytes: number;
  /** Bytes before they were compressed. */
  readonly unpackedBytes: number;
}

/**
 * The streams in the bytes of a packed model: what its size is made of, besides the header.
 * @param file - Where the bytes are from, for messages.
 * @throws {@link StateError} as {@link unpackModel} does, as far as the header can tell.
 */
export function packedStreams(bytes: Uint8Array, file?: string): PackedStream[] {
  return readPacked(bytes, refusal(file)).tensors.flatMap(({ entry, streams }) =>
    streams.map(({ name, bytes: unpackedBytes, packed }) => ({
      tensor: entry.name,
      stream: name,
      bytes: packed.length,
      unpackedBytes,
    })),
  );
}
