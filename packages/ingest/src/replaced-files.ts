import { lstat, readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import {
  indexPathOf,
  isFormatName,
  MANIFEST_NAME,
  readManifest,
  removeTemporaries,
  type Manifest,
} from "@millrace/formats";
import { REJECTS_NAME } from "./rejects.js";
import { isRealFolder, removeFile, shardFilesOf, type ShardCount } from "./shard-files.js";

/** The files and folders of the dataset, or of the unfinished conversion, that is to be replaced. */
export interface ReplacedFiles {
  /** Shards and sidecars, relative to the dataset's folder. */
  readonly files: readonly string[];
  /** Folders of splits, which go if nothing else lies in them. */
  readonly folders: readonly string[];
}

const SHARD_PATH = /^[A-Za-z0-9_-]{1,100}\/shard-\d{5,}\.[a-z0-9]+$/u;
/** Splits that a dataset may have of which nothing can be read. */
const KNOWN_SPLITS: readonly string[] = ["train", "val", "test"];

/** The zod schema of {@link ReplacedFiles}. */
export const replacedFilesSchema: z.ZodType<ReplacedFiles> = z.strictObject({
  files: z.array(z.string().regex(SHARD_PATH)),
  folders: z.array(z.string().regex(/^[A-Za-z0-9_-]{1,100}$/u)),
});

/** What a journal tells of the conversion that is to be replaced. */
export interface ReplacedPlan {
  readonly format: unknown;
  readonly splits: readonly ShardCount[];
}

/**
 * Finds what is to be replaced: what the manifest names, and what the plan of an unfinished conversion names. Where one
 * of them is there and cannot be read, every file with the name of a shard in the folder of a split. Other files are
 * nobody's.
 * @param plan - `unreadable`: there is a journal, but it says nothing
 * @param splits - names of the splits of the new conversion
 */
export async function findReplaced(
  root: string,
  plan: ReplacedPlan | "unreadable" | undefined,
  splits: readonly string[],
): Promise<ReplacedFiles> {
  const manifest = await manifestOf(root);
  const files = new Set<string>();
  const folders = new Set<string>();
  const add = (folder: string, paths: readonly string[]): void => {
    folders.add(folder);
    for (const path of paths) files.add(path);
  };
  if (manifest !== undefined && manifest !== "unreadable")
    for (const { name, shards } of manifest.splits)
      add(
        name,
        shards
          .flatMap(({ path }) => [path, indexPathOf(path)])
          .filter((path) => SHARD_PATH.test(path) && path.startsWith(`${name}/`)),
      );
  if (plan !== undefined && plan !== "unreadable") {
    const format = typeof plan.format === "string" && isFormatName(plan.format) ? plan.format : undefined;
    for (const split of plan.splits) add(split.name, await shardFilesOf(root, split, format));
  }
  if (manifest === "unreadable" || plan === "unreadable") {
    for (const name of new Set([...KNOWN_SPLITS, ...splits]))
      add(name, await shardFilesOf(root, { name, shards: Number.POSITIVE_INFINITY }));
  }
  return { files: [...files], folders: [...folders] };
}

async function manifestOf(root: string): Promise<Manifest | "unreadable" | undefined> {
  const found = await lstat(join(root, MANIFEST_NAME)).catch(() => undefined);
  return found === undefined ? undefined : await readManifest(root).catch(() => "unreadable" as const);
}

/** Removes the manifest first, then the reject log, shards and sidecars, and folders that are empty then. */
export async function removeReplaced(root: string, { files, folders }: ReplacedFiles): Promise<void> {
  await removeFile(join(root, MANIFEST_NAME));
  await removeFile(join(root, REJECTS_NAME));
  for (const name of folders) {
    const folder = join(root, name);
    if (!(await isRealFolder(folder))) continue;
    await removeTemporaries(folder);
    for (const file of files) if (file.startsWith(`${name}/`)) await removeFile(join(root, file));
    if ((await readdir(folder)).length === 0) await rmdir(folder);
  }
}
