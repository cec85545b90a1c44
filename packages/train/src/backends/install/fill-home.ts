import { BackendError, fileError, isMillraceError, temporaryPath } from "@millrace/formats";
import { mkdir, readdir, rename, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { InstallPaths } from "./install-plan.js";
import { isComplete } from "./observe.js";
import type { TensorflowRelease } from "./release.js";
import { unpackWheel, type UnpackOptions } from "./unpack-wheel.js";

/**
 * Refuses to begin what the disk has no room for.
 * @throws {@link FileError} with the bytes that are missing.
 */
export async function checkSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= bytes) return;
  throw fileError(folder, "install into the folder", { code: "ENOSPC" }, bytes);
}

/**
 * Unpacks the wheels of a release into a folder aside, which then takes the place of its home; a home that is not
 * complete makes room.
 * @throws {@link BackendError} for a damaged wheel; {@link FileError}; the signal's reason. Then nothing is left.
 */
export async function fillHome(
  release: TensorflowRelease,
  { home }: InstallPaths,
  wheels: ReadonlyMap<string, string>,
  options: UnpackOptions,
): Promise<void> {
  const aside = temporaryPath(home);
  const old = temporaryPath(home);
  try {
    await mkdir(aside, { recursive: true });
    for (const wheel of release.wheels) await unpackWheel(wheels.get(wheel.file) ?? "", wheel, aside, options);
    if (!(await isComplete(release, aside))) throw incomplete(home);
    await rename(home, old).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
    await rename(aside, home);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw isMillraceError(error) ? error : fileError(home, "fill the folder", error);
  } finally {
    for (const folder of [aside, old]) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

function incomplete(home: string): BackendError {
  return new BackendError({ file: home, problem: "the unpacked files are not as pinned", fix: "run again" });
}

/** Deletes wheels that this release had in the cache, and the folder if it is empty then. */
export async function removeKeptWheels(release: TensorflowRelease, { wheels }: InstallPaths): Promise<void> {
  for (const { file } of release.wheels) await rm(join(wheels, file), { force: true });
  const left = await readdir(wheels).catch(() => ["none"]);
  if (left.length === 0) await rm(wheels, { recursive: true, force: true });
}
