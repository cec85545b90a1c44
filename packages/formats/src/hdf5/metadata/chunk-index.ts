import { BTREE1_TYPES, walkBtree1 } from "./btree1.js";
import { BTREE2_TYPES, walkBtree2 } from "./btree2.js";
import { ChunkTableBuilder, type ChunkTable } from "./chunk-table.js";
import { corrupt, type Cursor } from "./cursor.js";
import type { Dataspace } from "./dataspace.js";
import { walkExtensibleArray } from "./extensible-array.js";
import { walkFixedArray, type VisitElement } from "./fixed-array.js";
import type { ChunkedLayout } from "./layout-message.js";
import type { MetadataFile } from "./metadata-file.js";

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
  if (!metadata.takeChunks(count)) return undefined;
  const table = new ChunkTableBuilder(metadata, grid, filtered ? undefined : rawBytes(layout));
  if (address !== undefined && count > 0) fillTable(table, { layout, address, grid, space, filtered });
  return table;
}

interface Index {
  readonly layout: ChunkedLayout;
  readonly address: number;
  readonly grid: readonly number[];
  readonly space: Dataspace;
  readonly filtered: boolean;
}

function fillTable(table: ChunkTableBuilder, index: Index): void {
  const { layout, address, filtered } = index;
  const { metadata } = table;
  switch (layout.index) {
    case "btree1":
      return addTree1(table, index);
    case "btree2":
      return addTree2(table, index);
    case "single":
      return table.add(0, address, layout.single?.bytes ?? rawBytes(layout), layout.single?.mask ?? 0);
    case "implicit":
      return addImplicit(table, index);
    case "fixed-array":
      return walkFixedArray(metadata, address, filtered, addNumbered(table, index));
    case "extensible-array":
      return walkExtensibleArray(metadata, address, filtered, addNumbered(table, index));
  }
}

/** Chunks one after the other, in the order of {@link numberingOf}. */
function addImplicit(table: ChunkTableBuilder, index: Index): void {
  const { order, largest } = numberingOf(table.metadata, index);
  const bytes = rawBytes(index.layout);
  for (let number = 0; number < table.positions.length; number++) {
    const place = placeOf(number, index.grid);
    const nth = order.reduce((n, axis, i) => n * (i === 0 ? 1 : (largest[i] as number)) + (place[axis] as number), 0);
    table.add(number, index.address + nth * bytes, bytes, 0);
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
function addTree1(table: ChunkTableBuilder, { layout, address, grid }: Index): void {
  const { chunkShape } = layout;
  const rank = grid.length;
  const place = grid.map(() => -1);
  walkBtree1(table.metadata, address, BTREE1_TYPES.chunks, 16 + 8 * rank, (key, child) => {
    const bytes = key.u32();
    const mask = key.u32();
    let isBehind = false;
    for (let axis = 0; axis < rank; axis++) {
      const along = key.uint(8) / (chunkShape[axis] as number);
      if (!Number.isInteger(along)) key.fail("a chunk between the chunks");
      if (!isBehind && along < (place[axis] as number)) key.fail("a tree of chunks is out of order");
      isBehind ||= along > (place[axis] as number);
      place[axis] = along;
    }
    table.add(numberOf(place, grid), child, bytes, mask);
  });
}

/** Record: address O, then with filters bytes and mask 4, then the place in the grid, 8 for each dimension. */
function addTree2(table: ChunkTableBuilder, { layout, address, grid, filtered }: Index): void {
  const type = filtered ? BTREE2_TYPES.filteredChunk : BTREE2_TYPES.chunk;
  for (const record of walkBtree2(table.metadata, address, type)) {
    const child = record.address() ?? record.fail("a chunk without an address");
    const sizeBytes = record.left - 4 - 8 * grid.length;
    const bytes = filtered ? record.uint(sizeBytes) : rawBytes(layout);
    const mask = filtered ? record.u32() : 0;
    table.add(numberOf(readPlace(record, grid), grid), child, bytes, mask);
  }
}

function readPlace(record: Cursor, grid: readonly number[]): number[] {
  return grid.map(() => record.uint(8));
}

/** Number of a place in row-major order; -1 outside of the grid. */
function numberOf(place: readonly number[], grid: readonly number[]): number {
  let number = 0;
  for (let axis = 0; axis < grid.length; axis++) {
    const at = place[axis] as number;
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

/** Takes the entries of an index that are numbered as {@link numberingOf} says. */
function addNumbered(table: ChunkTableBuilder, index: Index): VisitElement {
  const { grid } = index;
  const { order, largest } = numberingOf(table.metadata, index);
  const raw = rawBytes(index.layout);
  const isRowMajor = order.every((axis, i) => axis === i && (i === 0 || largest[i] === grid[i]));
  if (isRowMajor) return (number, address, bytes, mask) => table.add(number, address, bytes ?? raw, mask);
  const place = grid.map(() => 0);
  return (number, address, bytes, mask) => {
    let rest = number;
    for (let i = order.length - 1; i >= 0; i--) {
      const along = largest[i] as number;
      place[order[i] as number] = i === 0 ? rest : rest % along;
      rest = i === 0 ? 0 : Math.floor(rest / along);
    }
    table.add(numberOf(place, grid), address, bytes ?? raw, mask);
  };
}
