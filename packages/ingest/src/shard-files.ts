import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileError, formatOfPath, indexPathOf, type FormatName, type ShardEntry } from "@millrace/formats";

/** How many shards a plan has in a split. */
export interface ShardCount {
  readonly name: string;
  readonly shards: number;
}

/** `shard-00003.h5` and its sidecar `shard-00003.index`. */
const SHARD_FILE = /^shard-(\d{5,})\.([a-z0-9]+)$/u;

/** True for a folder that is no link. */
export async function isRealFolder(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isDirectory() === true;
}

/**
 * The files of a split that are named as shards of up to some number, or as their sidecars. Relative to `root`; none if
 * the split's folder is missing or a link.
 * @param format - only shards of this format; of any if it is left out
 */
export async function shardFilesOf(
  root: string,
  { name: split, shards }: ShardCount,
  format?: FormatName,
): Promise<string[]> {
  const folder = join(root, split);
  if (!(await isRealFolder(folder))) return [];
  const entries = await readdir(folder, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  return files.filter((name) => isShard(name, shards, format)).map((name) => `${split}/${name}`);
}

function isShard(name: string, shards: number, format: FormatName | undefined): boolean {
  const [, number, extension] = SHARD_FILE.exec(name) ?? [];
  if (number === undefined || Number(number) >= shards) return false;
  const found = formatOfPath(name);
  return extension === "index" || (found !== undefined && (format === undefined || found === format));
}

/** Removes a file that may be missing. */
export async function removeFile(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (error) {
    throw fileError(path, "remove the file", error);
  }
}

/** Removes the shards and sidecars of a plan that are not among those of the dataset. */
export async function removeStrayShards(
  out: string,
  plan: readonly ShardCount[],
  format: FormatName,
  shards: readonly ShardEntry[],
): Promise<void> {
  const kept = new Set(shards.flatMap(({ path }) => [path, indexPathOf(path)]));
  for (const split of plan) {
    for (const file of await shardFilesOf(out, split, format)) if (!kept.has(file)) await removeFile(join(out, file));
  }
}
