import { realpathSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";
import { ManifestError } from "./errors.js";

/**
 * The absolute path of a file that a manifest or an archive names relative to its folder.
 * @throws {@link ManifestError} if the name is absolute, climbs out with `..`, or follows a link that leads out.
 */
export function resolveInside(root: string, name: string): string {
  const refuse = (problem: string): never => {
    throw new ManifestError({
      file: join(root, "dataset.json"),
      problem: `names the file ${name}, which ${problem}`,
      fix: "a dataset only holds files of its own folder",
    });
  };
  if (name === "" || name.includes("\0")) refuse("is not a file name");
  if (isAbsolute(name) || /^[A-Za-z]:|\\/u.test(name)) refuse("is not relative with forward slashes");
  if (name.split("/").some((part) => part === ".." || part === "." || part === "")) refuse("climbs out of the folder");
  const path = join(root, name);
  const real = realOf(path);
  if (real !== undefined) {
    const inside = relative(realpathSync(root), real);
    if (inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside))
      refuse("is a link that leads out of the folder");
  }
  return path;
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
