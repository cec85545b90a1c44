import { OptionError } from "@millrace/formats";
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { checkWheel, sha256File, wrongWheel } from "./check-wheel.js";
import type { InstallPaths, InstallState } from "./install-plan.js";
import { kindOf } from "./put-in-place.js";
import type { TensorflowRelease } from "./release.js";

/** Looks at what is there, but for wheels, which take long to check. */
export async function observeInstall(release: TensorflowRelease, paths: InstallPaths): Promise<InstallState> {
  return {
    isHomeComplete: await isComplete(release, paths.home),
    deps: await kindOf(paths.deps),
    hasAddon: existsSync(paths.addon),
    wheels: new Map(),
  };
}

/** True if every file of the release is in its folder, as long as pinned. */
export async function isComplete(release: TensorflowRelease, home: string): Promise<boolean> {
  for (const { to, bytes } of release.wheels.flatMap(({ members }) => members)) {
    const size = await stat(join(home, to)).then(
      (status) => status.size,
      () => undefined,
    );
    if (size !== bytes) return false;
  }
  return true;
}

/**
 * Finds the wheels of a release that need not be downloaded, each checked by its SHA-256: the path of each by its name.
 * @param kept - Folder of wheels that an earlier run has downloaded.
 * @param given - Wheels of the caller: files, or folders that hold them under their own names.
 * @throws {@link BackendError} if a file of the caller is not a wheel of the release; {@link OptionError} if it does
 * not exist; the signal's reason.
 */
export async function wheelsAtHand(
  release: TensorflowRelease,
  kept: string,
  given: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const path of given) {
    const status = await stat(path).catch(() => undefined);
    if (status === undefined) throw noSuchWheel(path);
    if (status.isDirectory()) await addFolder(release, path, found, signal);
    else await addFile(release, path, found, signal);
  }
  for (const wheel of release.wheels) {
    const path = join(kept, wheel.file);
    // A kept wheel that is damaged is fetched again.
    if (!found.has(wheel.file) && existsSync(path) && (await sha256File(path, signal)) === wheel.sha256)
      found.set(wheel.file, path);
  }
  return found;
}

async function addFolder(
  release: TensorflowRelease,
  folder: string,
  found: Map<string, string>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const present = release.wheels.filter(({ file }) => existsSync(join(folder, file)));
  if (present.length === 0) {
    const [expected] = release.wheels;
    throw noSuchWheel(join(folder, expected?.file ?? ""));
  }
  for (const wheel of present) {
    await checkWheel(join(folder, wheel.file), wheel, signal);
    found.set(wheel.file, join(folder, wheel.file));
  }
}

async function addFile(
  release: TensorflowRelease,
  path: string,
  found: Map<string, string>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const sha256 = await sha256File(path, signal);
  const wheel = release.wheels.find((pinned) => pinned.sha256 === sha256);
  if (wheel !== undefined) {
    found.set(wheel.file, path);
    return;
  }
  const meant = release.wheels.find(({ file }) => path.endsWith(file)) ?? release.wheels[0];
  if (meant !== undefined) throw await wrongWheel(path, meant, sha256);
}

function noSuchWheel(path: string): OptionError {
  return new OptionError({ option: "wheel", file: path, problem: "there is no such wheel", fix: "check the path" });
}
