import { constants } from "node:fs";
import { open, rm, stat } from "node:fs/promises";
import { temporaryPath } from "./atomic-file.js";
import { fileError, FileError } from "./errors.js";

/**
 * Checks, before the work whose result it is to hold, that a file can be written, and leaves everything as it was.
 * @param how - `replace`: as {@link writeFileAtomic} writes it, in the place of what is there; `append`: at the end of
 * what is there.
 * @throws {@link FileError} if it cannot: its folder is not there or not open to this user, or it is a folder itself.
 */
export async function checkWritable(path: string, how: "replace" | "append"): Promise<void> {
  try {
    const stats = await stat(path).catch(noFile);
    if (stats?.isDirectory() === true) throw folderError(path);
    if (stats !== undefined && how === "append") {
      await (await open(path, constants.O_WRONLY | constants.O_APPEND)).close();
      return;
    }
    const temporary = temporaryPath(path);
    await (await open(temporary, "wx")).close();
    await rm(temporary);
  } catch (error) {
    throw error instanceof FileError ? error : fileError(path, "write the file", error);
  }
}

function noFile(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
  throw error;
}

function folderError(file: string): FileError {
  return new FileError({ file, problem: "cannot write the file: is a folder, not a file", fix: "name a file" });
}
