import { lstat, mkdir, readdir, readFile, realpath, rmdir, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { fileError, indexPathOf, MANIFEST_NAME, OptionError, readManifest, removeTemporaries } from "@millrace/formats";
import { JOURNAL_NAME, PLAN_NAME } from "./journal.js";

/** What a folder for a dataset holds. `unfinished`: a conversion that was interrupted; `foreign`: something else. */
export type OutState = "missing" | "empty" | "unfinished" | "dataset" | "foreign";

/** Everything that millrace keeps in a folder for a while has a name that begins so. */
const OWN_PREFIX = ".millrace-";

/**
 * Looks at the folder in which a dataset is to be made, and changes nothing.
 * @throws OptionError if it is not a folder; FileError if it cannot be read.
 */
export async function stateOfOut(out: string): Promise<OutState> {
  let names: string[];
  try {
    names = await readdir(out);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return "missing";
    if (code === "ENOTDIR")
      throw new OptionError({
        option: "out",
        problem: "is a file, not a folder",
        found: out,
        fix: "name another folder",
      });
    throw fileError(out, "read the folder", error);
  }
  if (await isFile(join(out, JOURNAL_NAME, PLAN_NAME))) return "unfinished";
  if (names.includes(MANIFEST_NAME)) return (await isOurs(join(out, MANIFEST_NAME))) ? "dataset" : "foreign";
  return names.every((name) => name.startsWith(OWN_PREFIX)) ? "empty" : "foreign";
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}

/** A manifest of this or another version of millrace; of another tool's `dataset.json` nothing is known. */
async function isOurs(manifest: string): Promise<boolean> {
  try {
    const data: unknown = JSON.parse(await readFile(manifest, "utf8"));
    return typeof (data as { manifestVersion?: unknown } | null)?.manifestVersion === "number";
  } catch {
    return false;
  }
}

/**
 * Refuses a folder in which no dataset may be made.
 * @throws OptionError with the way out.
 */
export async function checkOutState(out: string, state: OutState, overwrite: boolean): Promise<void> {
  if (state === "foreign") {
    throw new OptionError({
      option: "out",
      problem: "the folder is not empty and holds no dataset of millrace",
      found: out,
      fix: "name another folder, or empty it",
    });
  }
  if (state === "dataset" && !overwrite) {
    const missing = await missingFile(out);
    if (missing !== undefined)
      throw new OptionError({
        option: "out",
        problem: "the folder holds a finished dataset, of which a file is missing or cut",
        found: missing,
        fix: "restore the file, or make the dataset anew with overwrite (--overwrite)",
      });
    throw new OptionError({
      option: "out",
      problem: "the folder holds a finished dataset",
      found: out,
      fix: "name another folder, or replace it with overwrite (--overwrite)",
    });
  }
}

/** The first shard or sidecar that is not there with the size that the manifest says; none of an unreadable manifest. */
async function missingFile(out: string): Promise<string | undefined> {
  const splits = (await readManifest(out).catch(() => undefined))?.splits ?? [];
  for (const { path, bytes, index } of splits.flatMap(({ shards }) => shards)) {
    const file = join(out, path);
    if ((await sizeOf(file)) !== bytes) return file;
    if ((await sizeOf(indexPathOf(file))) !== index.bytes) return indexPathOf(file);
  }
  return undefined;
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}

/**
 * Refuses a folder inside the source, where the dataset would become part of its own raw images.
 * @param source - real path of the source
 * @throws OptionError
 */
export async function checkOutside(source: string, out: string): Promise<void> {
  const inside = relative(source, await realPathOf(resolve(out)));
  if (inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside)) return;
  throw new OptionError({
    option: "out",
    problem: "lies in the source",
    expected: `a folder outside of ${source}`,
    found: out,
    fix: "name another folder",
  });
}

/** The real path of what may not exist yet. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await realPathOf(parent), basename(path));
  }
}

/** Makes the folder if it is missing. */
export async function makeOut(out: string): Promise<void> {
  try {
    await mkdir(out, { recursive: true });
  } catch (error) {
    throw fileError(out, "create the folder", error);
  }
}

/** True if a killed run left something beside a dataset that is not part of it. */
export async function hasRemains(out: string): Promise<boolean> {
  return (await readdir(out)).some((name) => name.startsWith(OWN_PREFIX));
}

/**
 * Deletes what killed runs left under temporary names in `out` and in the folders of its splits.
 * @throws OptionError if the folder of a split is a link, which could lead anywhere.
 */
export async function removeRemains(out: string, splits: readonly { readonly name: string }[]): Promise<void> {
  await removeTemporaries(out);
  for (const { name } of splits) {
    const folder = join(out, name);
    const found = await lstat(folder).catch(() => undefined);
    if (found === undefined) continue;
    if (!found.isDirectory())
      throw new OptionError({ option: "out", problem: "is not a folder", found: folder, fix: "remove it" });
    await removeTemporaries(folder);
  }
}

/** Removes the folder again if nothing came to lie in it. */
export async function removeIfEmpty(out: string): Promise<void> {
  if ((await stat(out).catch(() => undefined))?.isDirectory() === true) await rmdir(out).catch(() => undefined);
}
