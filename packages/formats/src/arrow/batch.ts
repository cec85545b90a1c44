import type { ShardFile } from "../shard-file.js";
import type { Column } from "./layout.js";
import { readRecordBatch } from "./message.js";
import type { Block } from "./message-index.js";
import { placesOf, type Place } from "./place.js";

/** Room for the metadata of a batch of a few columns; there is more where it needs more. */
const FIRST_METADATA_BYTES = 4096;

const NO_BYTES = new Uint8Array(0);

/** Rows that lie together in the file. */
export interface Batch {
  /** Row of the shard, or number of the dictionary's value, with which it begins. */
  readonly start: number;
  readonly rows: number;
  /** Where its message begins in the file. */
  readonly offset: number;
  /** Where its body begins in the file: what the offsets of its regions count from. */
  readonly body: number;
  /** The place of each column, in their order. */
  readonly places: readonly Place[];
}

/**
 * Reads where the rows lie: the metadata of each record batch, and no value. Batches that are laid out as the one before
 * share its places, so that the usual thousandth batch costs one small read and a comparison.
 * @throws CorruptShardError, UnsupportedError
 */
export function readBatches(file: ShardFile, blocks: readonly Block[], columns: readonly Column[]): Batch[] {
  const batches: Batch[] = [];
  let known: { bytes: Uint8Array; bodyBytes: number; rows: number; places: readonly Place[] } | undefined;
  let start = 0;
  let room = new Uint8Array(FIRST_METADATA_BYTES);
  for (const block of blocks) {
    const { offset, metadataBytes, bodyBytes } = block;
    if (metadataBytes > room.length) room = new Uint8Array(metadataBytes);
    const bytes = room.subarray(0, metadataBytes);
    file.readInto(bytes, offset);
    if (known?.bodyBytes !== bodyBytes || Buffer.compare(known.bytes, bytes) !== 0) {
      const batch = readRecordBatch(file, block, bytes);
      const { rows } = batch;
      const places = placesOf(columns, batch, file.path);
      // Of compressed buffers the body tells the lengths too.
      const isPlain = batch.buffers.every(({ packed }) => packed === undefined);
      known = { bytes: isPlain ? bytes.slice() : NO_BYTES, bodyBytes, rows, places };
    }
    const { rows, places } = known;
    if (rows > 0) batches.push({ start, rows, offset, body: offset + metadataBytes, places });
    start += rows;
  }
  return batches;
}

/** Rows of all batches. */
export function lengthOf(batches: readonly Batch[]): number {
  const last = batches.at(-1);
  return last === undefined ? 0 : last.start + last.rows;
}

/** The batch of a row, which must be there; by bisection. */
export function batchOf(batches: readonly Batch[], row: number): Batch {
  let low = 0;
  for (let high = batches.length - 1; low < high;) {
    const middle = (low + high + 1) >>> 1;
    if ((batches[middle] as Batch).start <= row) low = middle;
    else high = middle - 1;
  }
  return batches[low] as Batch;
}
