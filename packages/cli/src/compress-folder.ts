import { fileError, makeFolder, OptionError, removeTemporaries, temporaryPath } from "@millrace/formats";
import { lstat, mkdir, mkdtemp, readdir, realpath, rename, rm, rmdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";

/** What a result is called in a folder that is there, until it is complete. */
const IN_WORK = "compressed";

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
 * Checks that a result can be written to a folder, and removes what a killed run left in its place or in it. Changes
 * nothing else.
 * @throws OptionError if it is not empty, is no folder, or is that of the model or in it; FileError if the system refuses.
 */
export async function checkOut(out: string, model: string): Promise<void> {
  const within = relative(await real(await folderOf(model)), await real(resolve(out)));
  const isOutside = within === ".." || within.startsWith(`..${sep}`) || isAbsolute(within);
  if (!isOutside) {
    const problem = "is the folder of the model, or in it: nothing is written over a model";
    throw new OptionError({ option: "out", file: out, problem, fix: "name a folder beside it" });
  }
  const path = resolve(out);
  try {
    await removeTemporaries(dirname(path), basename(path)).catch(ignoreMissing);
    if (await isFolder(out)) {
      await removeTemporaries(path, IN_WORK);
      refuseFiles(out, await readdir(path));
    }
    const probe = temporaryPath(join(await nearest(path), IN_WORK));
    await mkdir(probe);
    await rmdir(probe);
  } catch (error) {
    throw systemError(out, "write to the folder", error);
  }
}

/** False if there is nothing. @throws OptionError if there is something else. */
async function isFolder(out: string): Promise<boolean> {
  const path = resolve(out);
  const found = await stat(path).catch(ignoreMissing);
  const isThere = found !== undefined || (await lstat(path).catch(ignoreMissing)) !== undefined;
  if (!isThere || found?.isDirectory() === true) return isThere;
  const problem = found === undefined ? "is a link to nothing" : "is a file, not a folder";
  throw new OptionError({ option: "out", file: out, problem, fix: "name another" });
}

function refuseFiles(out: string, files: readonly string[]): void {
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

/** The path, or what of it is there. */
async function nearest(path: string): Promise<string> {
  if ((await stat(path).catch(ignoreMissing)) !== undefined || dirname(path) === path) return path;
  return await nearest(dirname(path));
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

function systemError(out: string, action: string, error: unknown): unknown {
  return error instanceof Error && "syscall" in error ? fileError(out, action, error) : error;
}

/**
 * Writes all that `write` writes into a folder, or nothing. A folder that is not there is written beside its place and
 * renamed at the end; one that is there may be a link, or mounted, so the finished files move into it.
 * @throws FileError if the system refuses; OptionError if the folder is no longer empty; what `write` throws.
 */
export async function fillFolder(out: string, write: (folder: string) => Promise<void>): Promise<void> {
  let temporary: string | undefined;
  try {
    const isThere = await isFolder(out);
    if (isThere) refuseFiles(out, await readdir(out));
    temporary = temporaryPath(isThere ? join(out, IN_WORK) : resolve(out));
    await makeFolder(temporary);
    await write(temporary);
    if (!isThere) await rename(temporary, out);
    else for (const name of await readdir(temporary)) await rename(join(temporary, name), join(out, name));
  } catch (error) {
    throw systemError(out, "write to the folder", error);
  } finally {
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  }
}

/**
 * {@link fillFolder}, or a new folder among the system's temporary ones, so that a long search was not for nothing.
 * @returns the folder, and the error of the one that was meant.
 * @throws that error if the other folder cannot be filled either.
 */
export async function fillSomeFolder(
  out: string,
  write: (folder: string) => Promise<void>,
): Promise<{ readonly folder: string; readonly error?: unknown }> {
  try {
    await fillFolder(out, write);
    return { folder: out };
  } catch (error) {
    try {
      const folder = await mkdtemp(join(tmpdir(), "millrace-compress-"));
      await fillFolder(folder, write);
      return { folder, error };
    } catch {
      throw error;
    }
  }
}
