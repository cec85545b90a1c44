import { mkdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { crc32c, fileError, StateError, writeFileAtomic } from "@millrace/formats";
import type { LoaderState } from "@millrace/loader";
import { z } from "zod";
import { OPTIMIZERS, type OptimizerName } from "../optimizers/optimizer.js";
import { checkpointName, checkpointsIn } from "./checkpoint-folder.js";
import { decodeSafetensors, encodeSafetensors, type NamedTensor } from "./safetensors.js";

/** Version of the checkpoints that this version writes; it reads this one only. */
export const CHECKPOINT_VERSION = 1;

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
  /** Where the loader stands: the option `state` of `openLoader`. `null` for a loader without a state. */
  readonly loaderState: LoaderState | null;
  /** The model's weights, in its order. */
  readonly weights: readonly NamedTensor[];
  /** The optimizer's tensors, for each trainable weight in the model's order those of its slots in turn. */
  readonly slots: readonly NamedTensor[];
}

const WEIGHT = "weight.";
const SLOT = "slot.";
const KEY = "millrace";

const HeaderSchema = z.object({
  checkpointVersion: z.literal(CHECKPOINT_VERSION),
  step: z.int().min(0),
  seed: z.int(),
  optimizer: z.enum(OPTIMIZERS),
  momentum: z.number().min(0).max(1),
  loaderState: z.record(z.string(), z.unknown()).nullable(),
  crc32c: z.int().min(0),
});

/** The same bytes whatever the order in which the header's parts were read. */
function checksum(header: Omit<z.infer<typeof HeaderSchema>, "crc32c">, tensors: readonly NamedTensor[]): number {
  const text = JSON.stringify([header.step, header.seed, header.optimizer, header.momentum, header.loaderState]);
  let crc = crc32c(new TextEncoder().encode(text));
  for (const { name, shape, data } of tensors) {
    crc = crc32c(new TextEncoder().encode(JSON.stringify([name, shape])), crc);
    crc = crc32c(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), crc);
  }
  return crc;
}

/**
 * Writes a checkpoint into `dir`, which is made if it is missing, and then deletes all but the newest `keep`, of
 * which this one is always one. The file is there completely or not at all.
 * @returns its path.
 * @throws {@link FileError} if the system refuses.
 */
export async function writeCheckpoint(dir: string, checkpoint: Checkpoint, keep: number): Promise<string> {
  const { step, seed, optimizer, momentum, loaderState } = checkpoint;
  const tensors = [
    ...checkpoint.weights.map((tensor) => ({ ...tensor, name: WEIGHT + tensor.name })),
    ...checkpoint.slots.map((tensor) => ({ ...tensor, name: SLOT + tensor.name })),
  ];
  const header = {
    checkpointVersion: CHECKPOINT_VERSION,
    step,
    seed,
    optimizer,
    momentum,
    loaderState: loaderState === null ? null : { ...loaderState },
  } as const;
  const metadata = new Map([[KEY, JSON.stringify({ ...header, crc32c: checksum(header, tensors) })]]);
  const path = join(dir, checkpointName(step));
  try {
    await mkdir(dir, { recursive: true });
  } catch (error) {
    throw fileError(dir, "make the folder of checkpoints", error);
  }
  await writeFileAtomic(path, encodeSafetensors({ metadata, tensors }));
  // In a folder with checkpoints of a longer run this one is not the newest by its name.
  const others = (await checkpointsIn(dir)).filter((name) => name !== checkpointName(step));
  for (const old of others.slice(0, Math.max(0, others.length - keep + 1))) await rm(join(dir, old), { force: true });
  return path;
}

/**
 * Reads a checkpoint: a file, or the newest one of a folder. Give its `loaderState` to `openLoader` and the whole of it
 * to {@link train} as `resume`.
 * @throws {@link StateError} if there is none, or if it is truncated, damaged or of another version;
 * {@link FileError} if the system refuses.
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const file = await resolveFile(path);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw fileError(file, "read the checkpoint", error);
  }
  const { metadata, tensors } = decodeSafetensors(bytes, file);
  const fail = (problem: string, expected?: string): never => {
    throw new StateError({ file, problem, expected, fix: "use another checkpoint" });
  };
  const header = parseHeader(metadata.get(KEY), fail);
  if (checksum(header, tensors) !== header.crc32c) fail("is damaged: its checksum does not fit");
  const named = (prefix: string): NamedTensor[] =>
    tensors
      .filter(({ name }) => name.startsWith(prefix))
      .map((tensor) => ({ ...tensor, name: tensor.name.slice(prefix.length) }));
  const { step, seed, optimizer, momentum } = header;
  const loaderState = header.loaderState as LoaderState | null;
  return { step, seed, optimizer, momentum, loaderState, weights: named(WEIGHT), slots: named(SLOT) };
}

async function resolveFile(path: string): Promise<string> {
  try {
    if (!(await stat(path)).isDirectory()) return path;
    const newest = (await checkpointsIn(path)).at(-1);
    if (newest !== undefined) return join(path, newest);
  } catch (error) {
    throw fileError(path, "open the checkpoint", error);
  }
  throw new StateError({ file: path, problem: "holds no checkpoint", fix: "train without resume" });
}

function parseHeader(
  text: string | undefined,
  fail: (problem: string, expected?: string) => never,
): z.infer<typeof HeaderSchema> {
  if (text === undefined) return fail("holds tensors, but is no checkpoint of millrace");
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return fail("has a damaged header");
  }
  const parsed = HeaderSchema.safeParse(data);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return fail(
    `has a header that does not fit: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`,
    `checkpointVersion ${CHECKPOINT_VERSION}`,
  );
}
