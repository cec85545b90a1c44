import { readdir, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";
import { fileError } from "@millrace/formats";
import type { IgnoredCollector } from "./ignored.js";

/** What lies in a folder, relative to it, with forward slashes, in no particular order. */
export interface FolderContent {
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

/**
 * Lists everything below `root`, an absolute path without links. Hidden names are left out, links to folders are not
 * followed (so there are no loops), and a link to a file is a file only if that file lies below `root` too.
 * @throws FileError if a folder cannot be read.
 */
export async function walkFolder(
  root: string,
  ignored: IgnoredCollector,
  signal: AbortSignal | undefined,
): Promise<FolderContent> {
  const files: string[] = [];
  const folders: string[] = [];
  const pending = [""];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    signal?.throwIfAborted();
    for (const entry of await entriesOf(join(root, folder))) {
      const name = entry.name.toString("utf8");
      const path = folder === "" ? name : `${folder}/${name}`;
      if (!Buffer.from(name, "utf8").equals(entry.name)) ignored.add("name-not-utf8", path);
      else if (name.startsWith(".")) ignored.add("hidden", path);
      else if (entry.isDirectory()) {
        folders.push(path);
        pending.push(path);
      } else if (entry.isFile()) files.push(path);
      else if (!entry.isSymbolicLink()) ignored.add("special-file", path);
      else {
        const reason = await reasonAgainstLink(root, path);
        if (reason === undefined) files.push(path);
        else ignored.add(reason, path);
      }
    }
  }
  return { files, folders };
}

async function entriesOf(folder: string): ReturnType<typeof readFolder> {
  try {
    return await readFolder(folder);
  } catch (error) {
    throw fileError(folder, "read the folder", error);
  }
}

function readFolder(folder: string) {
  return readdir(folder, { encoding: "buffer", withFileTypes: true });
}

async function reasonAgainstLink(root: string, path: string) {
  try {
    const target = await realpath(join(root, path));
    const inside = relative(root, target);
    if (inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside)) return "link-leads-out";
    const found = await stat(target);
    if (found.isDirectory()) return "link-to-folder";
    return found.isFile() ? undefined : "special-file";
  } catch {
    return "broken-link";
  }
}
