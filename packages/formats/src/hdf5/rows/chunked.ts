import { CorruptShardError } from "../../errors.js";
import { tableExtents, type Extents } from "../../extents.js";
import type { ShardFile } from "../../shard-file.js";
import type { ChunkTable } from "../metadata/chunk-table.js";
import type { ChunkedStorage, Dataset } from "../metadata/dataset.js";
import { FILTERS } from "../metadata/filter-message.js";
import { filled } from "./fill.js";
import { decodeChunk } from "./filters.js";
import type { Rows } from "./rows.js";

/** Decoded chunks that are kept: those of the rows at the same height, which are asked for together. */
const CACHE_BYTES = 64 * 2 ** 20;

/** Rows that lie in chunks. */
export class ChunkedRows implements Rows {
  readonly length: number;
  readonly rowBytes: number;
  readonly #elementBytes: number;
  readonly #chunkBytes: number;
  readonly #cache = new Map<number, Uint8Array>();
  #cachedBand = -1;
  #extents: Extents | undefined;

  constructor(
    readonly file: ShardFile,
    readonly dataset: Dataset,
    readonly shape: readonly number[],
    readonly storage: ChunkedStorage & { readonly table: ChunkTable },
  ) {
    this.#elementBytes = dataset.type.bytes;
    this.length = shape[0] as number;
    this.rowBytes = product(shape.slice(1)) * this.#elementBytes;
    this.#chunkBytes = product(storage.chunkShape) * this.#elementBytes;
  }

  /**
   * Chunks of whole rows, all written, with no filter but a checksum of 4 bytes at their end, hold each row in one run.
   * They must be just as long: a shorter one would lie about rows behind its end.
   */
  get extents(): Extents | undefined {
    if (this.#extents !== undefined) return this.#extents;
    const { chunkShape, filters, table } = this.storage;
    const plain = filters.every(({ id }) => id === FILTERS.fletcher32);
    if (!plain || table.positions.includes(-1)) return undefined;
    const stored = this.#chunkBytes + 4 * filters.length;
    if (table.bytes.some((bytes) => bytes !== stored) || table.masks.some((mask) => mask !== 0)) return undefined;
    if (this.shape.some((extent, axis) => axis > 0 && chunkShape[axis] !== extent)) return undefined;
    const height = chunkShape[0] as number;
    const offsets = new Float64Array(this.length);
    for (let band = 0, row = 0; row < this.length; band++) {
      const end = Math.min(row + height, this.length);
      for (let at = table.positions[band] as number; row < end; row++, at += this.rowBytes) offsets[row] = at;
    }
    this.#extents = tableExtents(offsets, new Uint32Array(this.length).fill(this.rowBytes));
    return this.#extents;
  }

  read(row: number): Uint8Array {
    const { chunkShape, table } = this.storage;
    const height = chunkShape[0] as number;
    const band = Math.floor(row / height);
    if (band !== this.#cachedBand) this.#cache.clear();
    this.#cachedBand = band;
    const across = product(table.grid.slice(1));
    const chunks = Array.from({ length: across }, (_, i) => band * across + i);
    const target = filled(this.rowBytes, this.dataset.fill);
    for (const [i, number] of chunks.entries()) {
      if ((table.positions[number] as number) < 0) continue;
      const chunk = this.#chunk(number);
      this.#copy(chunk.subarray((row % height) * (this.#chunkBytes / height)), target, i);
    }
    return target;
  }

  /** Copies what a chunk holds of a row to its place; `number` counts the chunks of the row. */
  #copy(source: Uint8Array, target: Uint8Array, number: number): void {
    const shape = this.shape.slice(1);
    const chunkShape = this.storage.chunkShape.slice(1);
    const grid = this.storage.table.grid.slice(1);
    const start: number[] = [];
    for (let axis = grid.length - 1, rest = number; axis >= 0; axis--) {
      start[axis] = (rest % (grid[axis] as number)) * (chunkShape[axis] as number);
      rest = Math.floor(rest / (grid[axis] as number));
    }
    const box = shape.map((extent, axis) => Math.min(chunkShape[axis] as number, extent - (start[axis] as number)));
    const copyFrom = (axis: number, from: number, to: number): void => {
      const at = start[axis] ?? 0;
      if (axis >= shape.length - 1) {
        const bytes = (box[axis] ?? 1) * this.#elementBytes;
        const begin = from * this.#elementBytes;
        target.set(source.subarray(begin, begin + bytes), (to + at) * this.#elementBytes);
        return;
      }
      const fromStride = product(chunkShape.slice(axis + 1));
      const toStride = product(shape.slice(axis + 1));
      for (let i = 0; i < (box[axis] as number); i++)
        copyFrom(axis + 1, from + i * fromStride, to + (at + i) * toStride);
    };
    copyFrom(0, 0, 0);
  }

  #chunk(number: number): Uint8Array {
    const known = this.#cache.get(number);
    if (known !== undefined) return known;
    const { table, filters } = this.storage;
    const position = table.positions[number] as number;
    const encoded = this.file.read(position, table.bytes[number] as number, `a chunk of ${this.dataset.path}`);
    const chunk = decodeChunk(encoded, filters, table.masks[number] as number, this.#chunkBytes);
    if (typeof chunk === "string") {
      throw new CorruptShardError({
        file: this.file.path,
        field: this.dataset.path,
        byte: position,
        problem: `a chunk is damaged: ${chunk}`,
        fix: "copy the file again, or repeat the conversion",
      });
    }
    if ((this.#cache.size + 1) * this.#chunkBytes > CACHE_BYTES) this.#cache.clear();
    this.#cache.set(number, chunk);
    return chunk;
  }
}

function product(extents: readonly number[]): number {
  return extents.reduce((all, extent) => all * extent, 1);
}
