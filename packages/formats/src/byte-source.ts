import { CorruptShardError } from "./errors.js";

/** Bytes that can be read at any place: a {@link ShardFile}, or a file that was decompressed into memory. */
export interface ByteSource {
  /** Path of the file that they come from. */
  readonly path: string;
  /** How many there are. */
  readonly size: number;
  /** True if a position here is a position in the file, so that places found here are extents. */
  readonly isPlain: boolean;
  /**
   * Fills `target` with the bytes from `position` on.
   * @throws CorruptShardError if they end before; FileError if the system refuses; ClosedError after `close`.
   */
  readInto(target: Uint8Array, position: number): void;
  /**
   * A run of bytes in memory of its own; the run is checked before memory is taken.
   * @throws CorruptShardError if it does not lie inside.
   */
  read(position: number, length: number, what: string): Uint8Array;
  /** Idempotent. */
  close(): void;
}

/** Memory for a run of bytes that is filled at once: it is not zeroed before. */
export function roomFor(length: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
}

/** The error for bytes that are asked for and are not there. */
export function outside(source: ByteSource, position: number, length: number, what: string): CorruptShardError {
  return new CorruptShardError({
    file: source.path,
    byte: position,
    problem: `${what} lies outside of the file`,
    expected: `an end up to ${source.size}`,
    found: `${position + length}`,
    fix: "copy the file again",
  });
}
