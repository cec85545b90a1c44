import { fileError, temporaryPath } from "@millrace/formats";
import { copyFile, lstat, mkdir, readlink, rename, rm, symlink } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes `path` a symbolic link to `target`, in place of what is there unless that is a folder. It is made aside and
 * renamed, so at no time is there nothing.
 * @throws {@link FileError} if the system refuses.
 */
export async function placeLink(target: string, path: string): Promise<void> {
  await place(path, "link", (temporary) => symlink(target, temporary));
}

/**
 * Puts a copy of the file `source` at `path`. It is a new file: other names of the old one, as hard links into the
 * store of a package manager, keep their bytes.
 * @throws {@link FileError} if the system refuses.
 */
export async function placeCopy(source: string, path: string): Promise<void> {
  await place(path, "copy the file", (temporary) => copyFile(source, temporary));
}

async function place(path: string, action: string, make: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    await mkdir(dirname(path), { recursive: true });
    await make(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw fileError(path, action, error);
  }
}

/** What is at a path: a symbolic link (with where it leads), something else, or nothing. */
export type Present = "absent" | "other" | { readonly target: string };

/** @throws {@link FileError} if the system does not tell. */
export async function kindOf(path: string): Promise<Present> {
  try {
    const status = await lstat(path);
    return status.isSymbolicLink() ? { target: await readlink(path) } : "other";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "absent";
    throw fileError(path, "look at the file", error);
  }
}
