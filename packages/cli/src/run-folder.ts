import { fileError, OptionError } from "@millrace/formats";
import type { Checkpoint } from "@millrace/train";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** What of a training run decides where it goes on. */
export interface RunFolderOptions {
  readonly out: string;
  readonly resume: boolean;
  readonly epochs: number;
  readonly earlyStop: number | undefined;
}

/** The files that a run leaves in its folder at the end, beside its checkpoints and logs. */
export interface RunFiles {
  readonly model: string;
  readonly html: string;
  readonly json: string;
}

/** The {@link RunFiles} of a folder. */
export function runFiles(out: string): RunFiles {
  return {
    model: join(out, "model", "model.json"),
    html: join(out, "report.html"),
    json: join(out, "report.json"),
  };
}

/** True if a folder holds something to go on from. @throws FileError if the system refuses. */
export async function holdsCheckpoint(out: string): Promise<boolean> {
  try {
    return (await readdir(out)).some((name) => name.endsWith(".safetensors"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw fileError(out, "read the folder of the run", error);
  }
}

/** True if a run has no epoch left, or has stopped early. */
export function isFinished(
  { epochs: { length: done }, best }: Checkpoint,
  { epochs, earlyStop }: RunFolderOptions,
): boolean {
  return done >= epochs || (earlyStop !== undefined && best !== null && best.misses >= earlyStop);
}

/**
 * The {@link runFiles} that a run with this checkpoint has not written: all if its report, which comes last, is missing or
 * tells of another number of epochs, as that of a run that was resumed and then killed at its end.
 */
export async function missingFiles(out: string, checkpoint: Checkpoint): Promise<ReadonlySet<string>> {
  const files = runFiles(out);
  const isCurrent = (await reportedEpochs(files.json)) === checkpoint.epochs.length;
  return new Set(Object.values(files).filter((file) => !isCurrent || !existsSync(file)));
}

/** `undefined` if there is no report, or a damaged one. */
async function reportedEpochs(file: string): Promise<number | undefined> {
  try {
    const report = JSON.parse(await readFile(file, "utf8")) as { readonly epochs?: unknown } | null;
    return Array.isArray(report?.epochs) ? report.epochs.length : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw fileError(file, "read the report", error);
  }
}

/** True if a run has nothing left to do. */
export async function isComplete(checkpoint: Checkpoint, options: RunFolderOptions): Promise<boolean> {
  return isFinished(checkpoint, options) && (await missingFiles(options.out, checkpoint)).size === 0;
}

/**
 * Reads where a training run goes on: the newest checkpoint in its folder, or `undefined` for a fresh run. Of a finished
 * run only files may be missing, as of one that was killed at its end. Changes nothing.
 * @throws OptionError if the folder holds another run, has nothing to go on from, or its run is complete.
 */
export async function readRunFolder(options: RunFolderOptions): Promise<Checkpoint | undefined> {
  const { out, resume } = options;
  const hasCheckpoint = await holdsCheckpoint(out);
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
  if (await isComplete(checkpoint, options)) throw completeError(checkpoint, options);
  return checkpoint;
}

function completeError({ epochs: { length: done }, best }: Checkpoint, { out, epochs }: RunFolderOptions): OptionError {
  if (done < epochs) {
    const problem = `the run has stopped already: ${best?.metric} was best in epoch ${best?.epoch}`;
    const fix = "raise --early-stop to train on, or leave it out";
    return new OptionError({ option: "earlyStop", file: out, problem, fix });
  }
  return new OptionError({
    option: "epochs",
    file: out,
    problem: "the run is finished",
    expected: `more than the ${done} epochs that are done`,
    found: String(epochs),
    fix: "raise --epochs to train on",
  });
}
