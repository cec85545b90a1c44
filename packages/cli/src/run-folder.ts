import { OptionError } from "@millrace/formats";
import type { Checkpoint } from "@millrace/train";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";

/** What of a training run decides where it goes on. */
export interface RunFolderOptions {
  readonly out: string;
  readonly resume: boolean;
  readonly epochs: number;
}

/**
 * Reads where a training run goes on: the newest checkpoint in its folder, or `undefined` for a fresh run. Changes
 * nothing.
 * @throws OptionError if the folder holds another run, has nothing to go on from, or its run is finished already.
 */
export async function readRunFolder({ out, resume, epochs }: RunFolderOptions): Promise<Checkpoint | undefined> {
  const hasCheckpoint = existsSync(out) && (await readdir(out)).some((name) => name.endsWith(".safetensors"));
  if (!resume && hasCheckpoint) {
    const fix = "add --resume to go on with it, or name another folder";
    throw new OptionError({ option: "out", file: out, problem: "holds the checkpoints of another run", fix });
  }
  if (!resume) return undefined;
  if (!hasCheckpoint) {
    const fix = "leave --resume out for a fresh run";
    throw new OptionError({ option: "resume", file: out, problem: "there is no checkpoint to go on from", fix });
  }
  const { readCheckpoint } = await import("@millrace/train");
  const checkpoint = await readCheckpoint(out);
  const done = checkpoint.epochs.length;
  if (done < epochs) return checkpoint;
  throw new OptionError({
    option: "epochs",
    file: out,
    problem: "the run is finished",
    expected: `more than the ${done} epochs that are done`,
    found: String(epochs),
    fix: "raise --epochs to train on",
  });
}
