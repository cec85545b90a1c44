import { join } from "node:path";
import { existsSync } from "node:fs";
import { removeTemporaries, StateError } from "@millrace/formats";
import type { LoaderState } from "@millrace/loader";
import { BEST_NAME, refuseCheckpointsIn } from "../checkpoint/checkpoint-folder.js";
import { writeCheckpoint, writeCheckpointFile, type Checkpoint } from "../checkpoint/checkpoint.js";
import { lossText } from "./loss.js";
import type { CheckpointOptions, TrainLoader } from "./train-options.js";
import type { TrainSettings } from "./train-settings.js";

/**
 * Makes the folder of checkpoints ready for a run.
 * @throws {@link StateError} if it holds checkpoints and the run does not resume.
 */
export async function prepareFolder({ dir }: CheckpointOptions, isResumed: boolean): Promise<void> {
  if (!isResumed) await refuseCheckpointsIn(dir);
  if (existsSync(dir)) await removeTemporaries(dir);
}

/** Writes a checkpoint, and that of the best epoch if it is one. Returns the path of the first. */
export async function saveCheckpoint(
  { dir, keep = 3 }: CheckpointOptions,
  content: Checkpoint,
  kinds: { readonly isDue: boolean; readonly isBest: boolean },
): Promise<string> {
  const best = join(dir, BEST_NAME);
  if (kinds.isBest) await writeCheckpointFile(best, dir, content);
  return kinds.isDue ? await writeCheckpoint(dir, content, keep) : best;
}

/**
 * Checks that a run can go on from a checkpoint: same data, same place, same optimizer, loss and seed.
 * @throws {@link StateError} naming what differs.
 */
export function checkResume(resume: Checkpoint, loader: TrainLoader, settings: TrainSettings): void {
  const state = loader.state?.();
  const saved = resume.loaderState;
  if (state !== undefined && saved !== null && state.fingerprint !== saved.fingerprint) {
    throw new StateError({
      problem: "the checkpoint is of another data set",
      expected: `fingerprint ${saved.fingerprint}`,
      found: state.fingerprint,
      fix: "open the loader over the data set of the run that wrote it, or train without resume",
    });
  }
  if (state?.epoch !== saved?.epoch || state?.position !== saved?.position) {
    throw new StateError({
      problem: "the loader does not stand where the checkpoint was written",
      expected: place(saved),
      found: state === undefined ? "a loader without a state" : place(state),
      fix: "open the loader with the option state: checkpoint.loaderState",
    });
  }
  const { optimizer, momentum, seed } = settings;
  if (resume.optimizer !== optimizer || resume.momentum !== momentum) {
    throw new StateError({
      problem: "the checkpoint is of another optimizer",
      expected: `${optimizer}, momentum ${momentum}`,
      found: `${resume.optimizer}, momentum ${resume.momentum}`,
      fix: "resume with the optimizer of the run that wrote it",
    });
  }
  if (resume.loss !== undefined && lossText(resume.loss) !== lossText(settings.loss)) {
    throw new StateError({
      problem: "the checkpoint is of another loss",
      expected: lossText(settings.loss),
      found: lossText(resume.loss),
      fix: "resume with the loss of the run that wrote it, or begin anew with its model",
    });
  }
  if (resume.seed !== seed) {
    throw new StateError({
      problem: "the checkpoint is of another seed",
      expected: String(seed),
      found: String(resume.seed),
      fix: "resume with the seed of the run that wrote it",
    });
  }
  const { best } = resume;
  if (best !== null && best.metric !== settings.metric) {
    throw new StateError({
      problem: "the checkpoint knows the best epoch by another metric",
      expected: settings.metric,
      found: best.metric,
      fix: "resume with the metric of the run that wrote it",
    });
  }
}

function place(state: LoaderState | null): string {
  return `epoch ${state?.epoch ?? 0}, position ${state?.position ?? 0}`;
}
