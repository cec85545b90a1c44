import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { FileError, fileError, OptionError } from "./errors.js";

/** More files than that are no list of shards but a slip of the pen: `{0..99999999}`. */
const MAX_FILES = 100_000;

/** Characters that make a name a pattern over what there is. */
const MAGIC = /[*?[\]]/u;

/** Numbers in names count as such: `part-2` comes before `part-10`. */
const NATURAL = new Intl.Collator("en", { numeric: true });

/**
 * The absolute paths that names and patterns mean, in the order in which they are named; each path once. Where a file or
 * folder has that very name, it is meant. Else braces are spelled out, so that `shard-{000..009}.tar` are ten files that
 * must all be there, and `*`, `**`, `?` and `[…]` stand for the files that there are, one at least, in natural order.
 * Only a pattern loads what matches patterns: each thread that reads shards imports this file as it starts.
 *
 * @throws FileError naming the first that is not there; OptionError if there are none, or too many.
 */
export async function findDataFiles(names: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const name of names) {
    for (const path of (await isThere(name)) ? [resolve(name)] : await expandPattern(name)) found.add(path);
    if (found.size > MAX_FILES) throw tooMany(name);
  }
  if (found.size > 0) return [...found];
  throw new OptionError({ option: "dataset", problem: "no file is named", fix: "name a dataset, or files of shards" });
}

async function expandPattern(pattern: string): Promise<string[]> {
  const { expand } = await import("brace-expansion");
  const names = expand(pattern, { max: MAX_FILES + 1 });
  if (names.length > MAX_FILES) throw tooMany(pattern);
  const paths: string[] = [];
  for (const name of names) {
    if (await isThere(name)) paths.push(resolve(name));
    else if (MAGIC.test(name)) paths.push(...(await matching(name)));
    else throw fileError(name, "open the dataset", Object.assign(new Error("not found"), { code: "ENOENT" }));
  }
  return paths;
}

async function matching(pattern: string): Promise<string[]> {
  const { glob } = await import("tinyglobby");
  const paths = await glob(pattern, { absolute: true, braceExpansion: false, expandDirectories: false });
  if (paths.length > 0) return paths.toSorted((a, b) => NATURAL.compare(a, b) || (a < b ? -1 : 1));
  throw new FileError({ file: pattern, problem: "no file matches the pattern", fix: "check the path" });
}

function tooMany(file: string): OptionError {
  const expected = `at most ${MAX_FILES} files`;
  return new OptionError({ file, option: "dataset", problem: "means too many files", expected, fix: "name fewer" });
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG") return false;
    throw fileError(path, "open the dataset", error);
  }
}
