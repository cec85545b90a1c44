import { BTREE1_TYPES, walkBtree1 } from "./btree1.js";
import { BTREE2_TYPES, walkBtree2 } from "./btree2.js";
import { corrupt, type Cursor } from "./cursor.js";
import type { Dataspace } from "./dataspace.js";
import { walkExtensibleArray } from "./extensible-array.js";
import { walkFixedArray, type ArrayElement } from "./fixed-array.js";
import type { ChunkedLayout } from "./layout-message.js";
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

/** More chunks than that are left to the library. */
const MAX_CHUNKS = 2 ** 24;

interface Chunk {
  /** Number of the chunk in the grid. */
  readonly number: number;
  readonly address: number;
  readonly bytes: number;
  readonly mask: number;
}

/**
 * The table of all chunks, or `undefined` if there are too many.
 * @throws CorruptShardError if a chunk lies outside of the file.
 */
export function readChunkTable(
  metadata: MetadataFile,
  layout: ChunkedLayout,
  space: Dataspace,
  filtered: boolean,
): ChunkTable | undefined {
  const { chunkShape, address } = layout;
  const grid = (space.shape ?? []).map((extent, axis) => Math.ceil(extent / (chunkShape[axis] as number)));
  const count = grid.reduce((product, chunks) => product * chunks, 1);
  if (count > MAX_CHUNKS) return undefined;
  const table = {
    grid,
    positions: new Float64Array(count).fill(-1),
    bytes: new Float64Array(count),
    masks: new Uint32Array(count),
  };
  if (address === undefined || count === 0) return table;
  let left = metadata.file.size;
  for (const chunk of walkChunks(metadata, { layout, address, grid, space, filtered })) {
    if (chunk.number < 0) continue;
    const position = metadata.base + chunk.address;
    left -= chunk.bytes;
    const fail = (problem: string): never => corrupt(metadata.path, position, problem);
    if (position + chunk.bytes > metadata.file.size) fail("a chunk lies outside of the file");
    if (table.positions[chunk.number] !== -1) fail("a chunk stands twice in its index");
    if (left < 0) fail("chunks overlap");
    if (!filtered && chunk.bytes !== rawBytes(layout)) fail("a chunk of the wrong size");
    table.positions[chunk.number] = position;
    table.bytes[chunk.number] = chunk.bytes;
    table.masks[chunk.number] = chunk.mask;
  }
  return table;
}

interface Index {
  readonly layout: ChunkedLayout;
  readonly address: number;
  readonly grid: readonly number[];
  readonly space: Dataspace;
  readonly filtered: boolean;
}

function walkChunks(metadata: MetadataFile, index: Index): Iterable<Chunk> {
  const { layout, address, filtered } = index;
  switch (layout.index) {
    case "btree1":
      return walkTree1(metadata, index);
    case "btree2":
      return walkTree2(metadata, index);
    case "single":
      return [{ number: 0, address, bytes: rawBytes(layout), mask: 0, ...layout.single }];
    case "implicit":
      return implicit(metadata, index);
    case "fixed-array":
      return walkNumbered(metadata, index, walkFixedArray(metadata, address, filtered));
    case "extensible-array":
      return walkNumbered(metadata, index, walkExtensibleArray(metadata, address, filtered));
  }
}

/** Chunks one after the other, in the order of {@link numberingOf}. */
function* implicit(metadata: MetadataFile, index: Index): Generator<Chunk> {
  const { order, largest } = numberingOf(metadata, index);
  const bytes = rawBytes(index.layout);
  const count = index.grid.reduce((product, chunks) => product * chunks, 1);
  for (let number = 0; number < count; number++) {
    const place = placeOf(number, index.grid);
    const nth = order.reduce((n, axis, i) => n * (i === 0 ? 1 : (largest[i] as number)) + (place[axis] as number), 0);
    yield { number, address: index.address + nth * bytes, bytes, mask: 0 };
  }
}

/** The place in the grid of a number in row-major order. */
function placeOf(number: number, grid: readonly number[]): number[] {
  const place: number[] = [];
  let rest = number;
  for (let axis = grid.length - 1; axis >= 0; axis--) {
    const chunks = grid[axis] as number;
    place[axis] = rest % chunks;
    rest = Math.floor(rest / chunks);
  }
  return place;
}

/** Bytes of a chunk without filters. */
function rawBytes(layout: ChunkedLayout): number {
  return layout.chunkShape.reduce((product, extent) => product * extent, layout.elementBytes);
}

/** Key: bytes 4, filter mask 4, then the element at which the chunk begins, 8 for each dimension and one more. */
function* walkTree1(metadata: MetadataFile, { layout, address, grid }: Index): Generator<Chunk> {
  const { chunkShape } = layout;
  for (const { key, child } of walkBtree1(metadata, address, BTREE1_TYPES.chunks, 16 + 8 * grid.length)) {
    const bytes = key.u32();
    const mask = key.u32();
    const place = chunkShape.map((extent) => {
      const start = key.uint(8);
      return start % extent === 0 ? start / extent : key.fail("a chunk between the chunks");
    });
    yield { number: numberOf(place, grid), address: child, bytes, mask };
  }
}

/** Record: address O, then with filters bytes and mask 4, then the place in the grid, 8 for each dimension. */
function* walkTree2(metadata: MetadataFile, { layout, address, grid, filtered }: Index): Generator<Chunk> {
  const type = filtered ? BTREE2_TYPES.filteredChunk : BTREE2_TYPES.chunk;
  for (const record of walkBtree2(metadata, address, type)) {
    const child = record.address() ?? record.fail("a chunk without an address");
    const sizeBytes = record.left - 4 - 8 * grid.length;
    const bytes = filtered ? record.uint(sizeBytes) : rawBytes(layout);
    const mask = filtered ? record.u32() : 0;
    yield { number: numberOf(readPlace(record, grid), grid), address: child, bytes, mask };
  }
}

function readPlace(record: Cursor, grid: readonly number[]): number[] {
  return grid.map(() => record.uint(8));
}

/** Number of a place in row-major order; -1 outside of the grid, where chunks of a shrunken dataset may remain. */
function numberOf(place: readonly number[], grid: readonly number[]): number {
  let number = 0;
  for (const [axis, at] of place.entries()) {
    const chunks = grid[axis] as number;
    if (at >= chunks) return -1;
    number = number * chunks + at;
  }
  return number;
}

interface Numbering {
  /** The axes, slowest first. */
  readonly order: readonly number[];
  /** Chunks along each of them when the dataset is as large as it may get; the first may be infinite. */
  readonly largest: readonly number[];
}

/**
 * How the entries of an index without places are numbered: in row-major order of the grid of the largest extents. A
 * dimension that is unlimited comes first in that order (H5D__earray_idx_get_addr), as if it were the slowest.
 */
function numberingOf(metadata: MetadataFile, { layout, grid, space, address }: Index): Numbering {
  const unlimited = Math.max(space.maxShape.indexOf(undefined), 0);
  const order = [unlimited, ...grid.keys()].filter((axis, i) => i === 0 || axis !== unlimited);
  const largest = order.map((axis, i) => {
    const extent = space.maxShape[axis];
    if (extent !== undefined) return Math.ceil(extent / (layout.chunkShape[axis] as number));
    return i === 0 ? Infinity : corrupt(metadata.path, metadata.base + address, "two unlimited dimensions");
  });
  return { order, largest };
}

/** Chunks of an index whose entries are numbered as {@link numberingOf} says. */
function* walkNumbered(metadata: MetadataFile, index: Index, elements: Iterable<ArrayElement>): Generator<Chunk> {
  const { order, largest } = numberingOf(metadata, index);
  for (const { number, address, bytes, mask } of elements) {
    if (address === undefined) continue;
    const place: number[] = [];
    let rest = number;
    for (let i = order.length - 1; i >= 0; i--) {
      const along = largest[i] as number;
      place[order[i] as number] = i === 0 ? rest : rest % along;
      rest = i === 0 ? 0 : Math.floor(rest / along);
    }
    yield { number: numberOf(place, index.grid), address, bytes: bytes ?? rawBytes(index.layout), mask };
  }
}
