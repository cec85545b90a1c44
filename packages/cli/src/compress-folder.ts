import { fileError, OptionError, temporaryPath } from "@millrace/formats";
import { mkdir, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";

/** The folder that a compressed model goes into unless another is named: beside the model's. */
export async function defaultOut(model: string): Promise<string> {
  return `${await folderOf(model)}-compressed`;
}

/** The folder of a model that is named by its folder or by its `model.json`. */
async function folderOf(model: string): Promise<string> {
  const path = resolve(model);
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  return isFile ? dirname(path) : path;
}

/**
 * Checks that a result may be written to a folder. Changes nothing.
 * @throws OptionError if it is not empty, is no folder, or is that of the model or in it; FileError if the system refuses.
 */
export async function checkOut(out: string, model: string): Promise<void> {
  const within = relative(await real(await folderOf(model)), await real(resolve(out)));
  const isOutside = within === ".." || within.startsWith(`..${sep}`) || isAbsolute(within);
  if (!isOutside) {
    const problem = "is the folder of the model, or in it: nothing is written over a model";
    throw new OptionError({ option: "out", file: out, problem, fix: "name a folder beside it" });
  }
  const files = await readdir(out).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    if (code !== "ENOTDIR") throw fileError(out, "open the folder", error);
    throw new OptionError({ option: "out", file: out, problem: "is a file, not a folder", fix: "name another" });
  });
  if (files.length === 0) return;
  const found = files.slice(0, 3).join(", ");
  throw new OptionError({ option: "out", file: out, problem: "is not empty", found, fix: "name a new folder" });
}

/** The path without symbolic links on the way, as far as it exists. */
async function real(path: string): Promise<string> {
  const found = await realpath(path).catch(() => undefined);
  if (found !== undefined) return found;
  const parent = dirname(path);
  return parent === path ? path : join(await real(parent), basename(path));
}

/**
 * Makes a folder with all that `write` writes into it, or none: it is written beside and renamed at the end.
 * @throws FileError if the system refuses.
 */
export async function makeFolder(out: string, write: (folder: string) => Promise<void>): Promise<void> {
  const temporary = temporaryPath(resolve(out));
  try {
    await mkdir(temporary, { recursive: true });
    await write(temporary);
    await rename(temporary, out);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (error instanceof Error && "syscall" in error) throw fileError(out, "make the folder", error);
    throw error;
  }
}
