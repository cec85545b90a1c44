import { realpathSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";
import { ManifestError } from "./errors.js";

/**
 * The absolute path of a file that a manifest or an archive names relative to its folder.
 * @throws {@link ManifestError} if the name is absolute, climbs out with `..`, or follows a link that leads out.
 */
export function resolveInside(root: string, name: string): string {
  const [path] = pathsInside(root, [name]) as [string];
  checkLinks(root, path);
  return path;
}

/** Names that are paths as they are: parts of letters, digits, `_`, `-` and, but first, `.`. */
const PLAIN_NAME = /^[\w-][\w.-]*(?:\/[\w-][\w.-]*)*$/u;

/**
 * The absolute paths of files by their names alone, at no cost of the file system: where they lead to,
 * `checkLinks` has to say before anything is read.
 * @throws {@link ManifestError} for the first name that is absolute or climbs out with `..`.
 */
export function pathsInside(root: string, names: readonly string[]): string[] {
  const folder = join(root, "x").slice(0, -1);
  return names.map((name) => {
    if (sep === "/" && PLAIN_NAME.test(name)) return folder + name;
    checkName(root, name);
    return join(root, name);
  });
}

function checkName(root: string, name: string): void {
  if (name === "" || name.includes("\0")) refuse(root, name, "is not a file name");
  if (isAbsolute(name) || /^[A-Za-z]:|\\/u.test(name)) refuse(root, name, "is not relative with forward slashes");
  if (name.split("/").some((part) => part === ".." || part === "." || part === ""))
    refuse(root, name, "climbs out of the folder");
}

/**
 * Checks that files of a folder lie in it with all links followed. One that is not there does.
 * @throws {@link ManifestError} if a link leads out.
 */
export function checkLinks(root: string, ...paths: readonly string[]): void {
  const folder = realOf(root);
  for (const path of paths) {
    const real = realOf(path);
    if (real !== undefined && (folder === undefined || !isInside(folder, real)))
      refuse(root, relative(root, path), "is a link that leads out of the folder");
  }
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function refuse(root: string, name: string, problem: string): never {
  throw new ManifestError({
    file: join(root, "dataset.json"),
    problem: `names the file ${name}, which ${problem}`,
    fix: "a dataset only holds files of its own folder",
  });
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}
