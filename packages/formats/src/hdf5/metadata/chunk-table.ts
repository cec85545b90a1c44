import { corrupt } from "./cursor.js";
import type { MetadataFile } from "./metadata-file.js";

/** Where the chunks of a dataset lie, in row-major order of the grid that they form. */
export interface ChunkTable {
  /** Chunks along each dimension. */
  readonly grid: readonly number[];
  /** Byte of the file of each chunk; -1 for one that was never written. */
  readonly positions: Float64Array;
  /** Bytes of each chunk as it lies in the file. */
  readonly bytes: Float64Array;
  /** Bit `i` of a chunk's mask: filter `i` was not applied to it. */
  readonly masks: Uint32Array;
}

/** A table in the making; what an index tells is checked as it comes in. */
export class ChunkTableBuilder implements ChunkTable {
  readonly positions: Float64Array;
  readonly bytes: Float64Array;
  readonly masks: Uint32Array;
  /** Chunks that do not overlap have no more bytes than the file. */
  #left: number;

  /** `exactBytes`: of every chunk, where they are known from its shape. */
  constructor(
    readonly metadata: MetadataFile,
    readonly grid: readonly number[],
    readonly exactBytes: number | undefined,
  ) {
    const count = grid.reduce((product, chunks) => product * chunks, 1);
    this.positions = new Float64Array(count).fill(-1);
    this.bytes = new Float64Array(count);
    this.masks = new Uint32Array(count);
    this.#left = metadata.file.size;
  }

  /**
   * Takes a chunk. `number`: in row-major order of the grid; -1 outside of it.
   * @throws CorruptShardError if it cannot be there.
   */
  add(number: number, address: number, bytes: number, mask: number): void {
    const position = this.metadata.base + address;
    this.#left -= bytes;
    if (position + bytes > this.metadata.file.size) this.#fail(position, "a chunk lies outside of the file");
    if (!(number >= 0 && number < this.positions.length)) this.#fail(position, "a chunk lies outside of its dataset");
    if (this.positions[number] !== -1) this.#fail(position, "a chunk stands twice in its index");
    if (this.#left < 0) this.#fail(position, "chunks overlap");
    if (this.exactBytes !== undefined && bytes !== this.exactBytes) this.#fail(position, "a chunk of the wrong size");
    this.positions[number] = position;
    this.bytes[number] = bytes;
    this.masks[number] = mask;
  }

  #fail(position: number, problem: string): never {
    return corrupt(this.metadata.path, position, problem);
  }
}
