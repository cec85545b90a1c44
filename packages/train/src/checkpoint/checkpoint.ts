import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { crc32c, fileError, isMillraceError, StateError, writeFileAtomic } from "@millrace/formats";
import type { LoaderState } from "@millrace/loader";
import type { OptimizerName } from "../optimizers/optimizer.js";
import { readFileBy } from "../read-file.js";
import type { EpochReport } from "../report/report.js";
import type { BestEpoch } from "../training/best-epoch.js";
import type { Loss } from "../training/loss.js";
import { BEST_NAME, checkpointName, checkpointsIn, newestIn } from "./checkpoint-folder.js";
import { bodyText, parseHeader } from "./checkpoint-header.js";
import { encodeSafetensors, readSafetensors, type NamedTensor } from "./safetensors.js";

/** What the epoch in work has come to. */
export interface RunningEpoch {
  readonly epoch: number;
  readonly steps: number;
  readonly samples: number;
  /** Of the samples' losses. */
  readonly lossSum: number;
  /** `undefined` where it is not counted. */
  readonly correct?: number | undefined;
  /** Time of its steps. */
  readonly wallMs: number;
}

/**
 * Everything that a training run needs to go on as if it had not stopped. One file, `checkpoint-<step>.safetensors`,
 * in the format safetensors, so its weights open in other tools too.
 */
export interface Checkpoint {
  /** Updates done. */
  readonly step: number;
  /** Seed of what is random in a step; with `step` it is all the state that chance has. */
  readonly seed: number;
  readonly optimizer: OptimizerName;
  /** 0 for an optimizer without it. */
  readonly momentum: number;
  /** What is minimised; unknown in a checkpoint of before it was kept. */
  readonly loss?: Loss | undefined;
  /** Where the loader stands: the option `state` of `openLoader`. `null` for a loader without a state. */
  readonly loaderState: LoaderState | null;
  /** The epoch of the loader that is epoch 0 of the run; without it epoch 0. */
  readonly firstEpoch?: number | undefined;
  /** The epochs that are done. */
  readonly epochs: readonly EpochReport[];
  /** The epoch in work; `null` between two. */
  readonly running: RunningEpoch | null;
  readonly best: BestEpoch | null;
  /** The model's weights, in its order. */
  readonly weights: readonly NamedTensor[];
  /** The optimizer's tensors, for each trainable weight in the model's order those of its slots in turn. */
  readonly slots: readonly NamedTensor[];
  /** The moving averages of the weights; none without `ema`. */
  readonly averages: readonly NamedTensor[];
  /** The weights of the best epoch, for `restoreBest`; none without. */
  readonly bestWeights: readonly NamedTensor[];
}

/** The kinds of tensors in the file, with what their names begin with. */
const PREFIXES = { weights: "weight.", slots: "slot.", averages: "average.", bestWeights: "best." } as const;
const KINDS = ["weights", "slots", "averages", "bestWeights"] as const;
const KEY = "millrace";

function checksum(body: string, tensors: readonly NamedTensor[]): number {
  let crc = crc32c(new TextEncoder().encode(body));
  for (const { name, shape, data } of tensors) {
    crc = crc32c(new TextEncoder().encode(JSON.stringify([name, shape])), crc);
    crc = crc32c(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), crc);
  }
  return crc;
}

/**
 * Writes a checkpoint into `dir`, which is made if it is missing, and then deletes all but the newest `keep`. Those of
 * later steps are of a run that was left, by resuming from an older one: they are deleted, and so is their best one, so
 * that this one is the newest. The file is there completely or not at all.
 * @returns its path.
 * @throws {@link FileError} if the system refuses.
 */
export async function writeCheckpoint(dir: string, checkpoint: Checkpoint, keep: number): Promise<string> {
  const path = join(dir, checkpointName(checkpoint.step));
  await writeCheckpointFile(path, dir, checkpoint);
  const names = await checkpointsIn(dir);
  const end = names.indexOf(checkpointName(checkpoint.step)) + 1;
  const left = names.slice(end);
  if (left.length > 0 && (await bestStepIn(dir)) !== checkpoint.best?.step) left.push(BEST_NAME);
  const old = [...names.slice(0, Math.max(0, end - keep)), ...left];
  for (const name of old) await rm(join(dir, name), { force: true });
  return path;
}

/** Updates in the checkpoint of the best epoch; `undefined` if there is none that can be read. */
async function bestStepIn(dir: string): Promise<number | undefined> {
  try {
    return (await readCheckpoint(join(dir, BEST_NAME))).step;
  } catch (error) {
    if (isMillraceError(error)) return undefined;
    throw error;
  }
}

/** {@link writeCheckpoint} as the file at `path` in `dir`; deletes nothing. */
export async function writeCheckpointFile(path: string, dir: string, checkpoint: Checkpoint): Promise<void> {
  const tensors = KINDS.flatMap((kind) =>
    checkpoint[kind].map((tensor) => ({ ...tensor, name: PREFIXES[kind] + tensor.name })),
  );
  const body = bodyText(checkpoint);
  const header = { ...(JSON.parse(body) as object), crc32c: checksum(body, tensors) };
  try {
    await mkdir(dir, { recursive: true });
  } catch (error) {
    throw fileError(dir, "make the folder of checkpoints", error);
  }
  const metadata = new Map([[KEY, JSON.stringify(header)]]);
  await writeFileAtomic(path, encodeSafetensors({ metadata, tensors }));
}

/**
 * Reads a checkpoint: a file, or the newest one of a folder, and that of the best epoch if there is no other. Give its `loaderState` to `openLoader` and the whole of it
 * to {@link train} as `resume`.
 * @throws {@link StateError} if there is none, or if it is truncated, damaged, of another version, or holds a number
 * that is not finite; {@link FileError} if the system refuses.
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const file = await resolveFile(path);
  const { metadata, tensors } = await readFileBy(file, "read the checkpoint", (open) => readSafetensors(open, file));
  const { crc32c: expected, ...body } = parseHeader(metadata.get(KEY), file);
  if (checksum(bodyText(body), tensors) !== expected) {
    const fix = "use another checkpoint";
    throw new StateError({ file, problem: "is damaged: its checksum does not fit", fix });
  }
  for (const tensor of tensors) refuseNotFinite(tensor, file);
  const named = (kind: (typeof KINDS)[number]): NamedTensor[] =>
    tensors
      .filter(({ name }) => name.startsWith(PREFIXES[kind]))
      .map((tensor) => ({ ...tensor, name: tensor.name.slice(PREFIXES[kind].length) }));
  return {
    ...body,
    weights: named("weights"),
    slots: named("slots"),
    averages: named("averages"),
    bestWeights: named("bestWeights"),
  };
}

function refuseNotFinite({ name, data }: NamedTensor, file: string): void {
  let bad = 0;
  // `findIndex` takes four times as long, which counts in a file of GiB.
  while (bad < data.length && Number.isFinite(data[bad])) bad++;
  if (bad === data.length) return;
  throw new StateError({
    file,
    problem: `holds a number that is not finite: element ${bad} of the tensor ${name}`,
    expected: "finite numbers",
    found: String(data[bad]),
    fix: "use an older checkpoint, with a lower learningRate",
  });
}

async function resolveFile(path: string): Promise<string> {
  try {
    if (!(await stat(path)).isDirectory()) return path;
    const newest = await newestIn(path);
    if (newest !== undefined) return join(path, newest);
  } catch (error) {
    throw fileError(path, "open the checkpoint", error);
  }
  throw new StateError({ file: path, problem: "holds no checkpoint", fix: "train without resume" });
}
