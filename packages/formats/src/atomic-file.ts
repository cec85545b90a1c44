import { randomBytes } from "node:crypto";
import { open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileError } from "./errors.js";

const TEMPORARY = /^\.millrace-[0-9a-f]{16}-(.*)\.tmp$/u;

/** A new name beside `path`, hidden and random, for the file that {@link commitFile} will rename to `path`. */
export function temporaryPath(path: string): string {
  return join(dirname(path), `.millrace-${randomBytes(8).toString("hex")}-${basename(path)}.tmp`);
}

/**
 * Deletes what a killed run left in `folder` under names of {@link temporaryPath}.
 * @param of - Only what was to become a file or folder of this name.
 * @returns how many.
 */
export async function removeTemporaries(folder: string, of?: string): Promise<number> {
  const names = (await readdir(folder)).filter((name) => {
    const [, target] = TEMPORARY.exec(name) ?? [];
    return target !== undefined && (of === undefined || target === of);
  });
  for (const name of names) await rm(join(folder, name), { recursive: true, force: true });
  return names.length;
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Syncs the finished file at `temporary` to disk, renames it to `path` and syncs the folder, so that after a crash
 * `path` is either absent, as it was, or complete.
 * @throws {@link FileError} if the system refuses; then `temporary` is gone.
 */
export async function commitFile(temporary: string, path: string): Promise<void> {
  try {
    await sync(temporary);
    await rename(temporary, path);
    if (process.platform !== "win32") await sync(dirname(path));
  } catch (error) {
    // The first error is the one to tell.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw fileError(path, "commit the file", error);
  }
}

/**
 * Writes a small file so that it is there completely or not at all.
 * @throws {@link FileError} if the system refuses; then nothing of it is left behind.
 */
export async function writeFileAtomic(path: string, data: Uint8Array | string): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    const handle = await open(temporary, "wx");
    try {
      await handle.writeFile(data);
    } finally {
      await handle.close();
    }
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw fileError(path, "write the file", error, data.length);
  }
  await commitFile(temporary, path);
}
