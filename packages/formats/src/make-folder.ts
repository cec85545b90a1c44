import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileError, FileError } from "./errors.js";

/**
 * Makes a folder and those above it that are missing, one level at a time: the recursive `mkdir` of Node.js 20 never
 * returns where the system has no place for folders, in `/proc` for one. A folder that is there already stays.
 * @param action - What the error says that it was for.
 * @throws {@link FileError} if the system refuses, or a part of the path is a file.
 */
export async function makeFolder(path: string, action = "make the folder"): Promise<void> {
  try {
    const missing: string[] = [];
    let at = resolve(path);
    for (; !(await isFolder(at)) && dirname(at) !== at; at = dirname(at)) missing.push(at);
    for (const folder of missing.toReversed()) await makeOne(folder);
  } catch (error) {
    throw error instanceof FileError ? error : fileError(path, action, error);
  }
}

/** False if there is nothing. */
async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (found === undefined || found.isDirectory()) return found !== undefined;
  throw new FileError({ file: path, problem: "is a file, not a folder", fix: "name another folder" });
}

async function makeOne(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    // Someone else made it in the meantime; or it is a link to nothing.
    const isThere = (error as NodeJS.ErrnoException).code === "EEXIST" && (await isFolder(folder));
    if (!isThere) throw error;
  }
}
