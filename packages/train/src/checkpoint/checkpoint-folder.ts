import { readdir } from "node:fs/promises";
import { fileError, StateError } from "@millrace/formats";

const NAME = /^checkpoint-(\d{8,15})\.safetensors$/u;

/** The file name of the checkpoint of the best epoch. */
export const BEST_NAME = "best.safetensors";

/** The file name of the checkpoint after `step` updates. */
export function checkpointName(step: number): string {
  return `checkpoint-${String(step).padStart(8, "0")}.safetensors`;
}

/** File names of the checkpoints in a folder, by their steps, fewest first. Rejects as `readdir` does. */
export async function checkpointsIn(dir: string): Promise<string[]> {
  const names = (await readdir(dir)).filter((name) => NAME.test(name));
  return names.toSorted((a, b) => Number(NAME.exec(a)?.[1]) - Number(NAME.exec(b)?.[1]));
}

/** The file name of the newest checkpoint in a folder: that of the best epoch if there is no other. Rejects as `readdir` does. */
export async function newestIn(dir: string): Promise<string | undefined> {
  const names = await checkpointsIn(dir);
  return names.at(-1) ?? (await readdir(dir)).find((name) => name === BEST_NAME);
}

/**
 * Checks that a run that begins anew would not mix its checkpoints with another's.
 * @throws {@link StateError} if `dir` holds checkpoints; {@link FileError} if the system refuses.
 */
export async function refuseCheckpointsIn(dir: string): Promise<void> {
  let newest: string | undefined;
  try {
    newest = await newestIn(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw fileError(dir, "read the folder of checkpoints", error);
  }
  if (newest === undefined) return;
  throw new StateError({
    file: dir,
    problem: "holds checkpoints of another run",
    found: newest,
    fix: "go on from them with resume: await readCheckpoint(dir), or name another folder as checkpoint.dir",
  });
}
