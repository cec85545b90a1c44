import { decodeJpegSegments, type JpegSegmentColumn, type JpegSegments } from "@millrace/formats/shard";
import type { LocalFiles } from "../storage/local.js";
import { GrowingBuffer } from "./growing-buffer.js";

/** The index of one image at a time; a thread makes one at a time. */
const room = new GrowingBuffer();

/**
 * Where the segments of the JPEGs of a shard lie, read from its sidecar image by image. All of them would be some hundred
 * bytes an image in the memory of each worker; what is kept is where each index begins.
 */
export class SegmentFile {
  readonly #path: string;
  readonly #offset: number;
  readonly #starts: Uint32Array;

  /**
   * @param files - The sidecars, by the numbers of their shards.
   * @param shard - Number of the shard.
   * @param column - Of its sidecar, whose memory is not kept.
   */
  constructor(
    readonly files: LocalFiles,
    readonly shard: number,
    column: JpegSegmentColumn,
  ) {
    this.#path = column.file;
    this.#offset = column.offset;
    this.#starts = column.starts.slice();
  }

  /**
   * Reads the index of a row into `into`.
   * @returns false if that image is not seekable.
   * @throws {@link CorruptShardError} if the index is impossible, or the sidecar ends before it; {@link FileError}.
   */
  read(row: number, into: JpegSegments): boolean {
    const start = this.#starts[row] as number;
    const byteLength = (this.#starts[row + 1] as number) - start;
    if (byteLength === 0) return false;
    const bytes = room.ensure(byteLength);
    this.files.readInto(this.shard, bytes, 0, byteLength, this.#offset + start);
    return decodeJpegSegments(bytes, 0, byteLength, into, this.#path, row);
  }
}
