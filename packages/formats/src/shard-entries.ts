import { isListOf, isRecord, isWhole } from "./json-shape.js";
import type { ShardEntry } from "./manifest.js";

/** Longest path of a shard. */
export const MAX_SHARD_PATH = 4096;
/** A CRC-32C as the manifest writes it. */
export const CRC_TEXT: RegExp = /^0x[0-9a-f]{8}$/u;

/**
 * Checks an entry of a manifest's list of shards by hand: for the tens of thousands that there may be, the schema of the
 * manifest takes several times as long. It is as strict, and the schema says what is wrong.
 */
export function isShardEntry(value: unknown): value is ShardEntry {
  if (!isRecord(value) || Object.keys(value).length !== 5) return false;
  const { path, samples, bytes, crc32c, index } = value;
  const isPath = typeof path === "string" && path.length >= 1 && path.length <= MAX_SHARD_PATH;
  return isPath && isWhole(samples) && isWhole(bytes) && isCrc(crc32c) && isIndexEntry(index);
}

function isIndexEntry(value: unknown): boolean {
  return isRecord(value) && Object.keys(value).length === 2 && isWhole(value["bytes"]) && isCrc(value["crc32c"]);
}

function isCrc(value: unknown): boolean {
  return typeof value === "string" && CRC_TEXT.test(value);
}

/** What {@link splitShards} takes apart. */
export interface ShardLists {
  /** The manifest, its splits without shards. */
  readonly rest: unknown;
  /** The shards of each split. */
  readonly lists: readonly (readonly ShardEntry[])[];
}

/** Takes the lists of shards out of the JSON of a manifest; `undefined` if one of them is wrong or not where it should be. */
export function splitShards(manifest: unknown): ShardLists | undefined {
  if (!isRecord(manifest)) return undefined;
  const { splits } = manifest;
  if (!isListOf(splits, isRecord)) return undefined;
  const lists: ShardEntry[][] = [];
  for (const { shards } of splits) {
    if (!isListOf(shards, isShardEntry)) return undefined;
    lists.push(shards);
  }
  return { rest: { ...manifest, splits: splits.map((split) => ({ ...split, shards: [] })) }, lists };
}
