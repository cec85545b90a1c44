import { StateError } from "@millrace/formats";
import { z } from "zod";
import type { Checkpoint, RunningEpoch } from "./checkpoint.js";
import { OPTIMIZERS } from "../optimizers/optimizer.js";
import type { Loss } from "../training/loss.js";
import { bestEpochSchema, epochSchema } from "../report/epoch-schema.js";

/** Version of the checkpoints that this version writes; it reads this one only. */
export const CHECKPOINT_VERSION = 2;

const Count = z.int().min(0);

const runningSchema: z.ZodType<RunningEpoch> = z.object({
  epoch: Count,
  steps: Count,
  samples: Count,
  lossSum: z.number(),
  correct: z.number().optional(),
  wallMs: z.number().min(0),
});

const lossSchema: z.ZodType<Loss> = z.discriminatedUnion("name", [
  z.object({ name: z.literal("crossEntropy"), labelSmoothing: z.number() }),
  z.object({
    name: z.literal("focal"),
    focalGamma: z.number(),
    focalAlpha: z.union([z.number(), z.array(z.number())]),
  }),
]);

/** What a checkpoint holds besides its tensors. */
export type CheckpointBody = Omit<Checkpoint, "weights" | "slots" | "averages" | "bestWeights">;

/** {@link CheckpointBody}, and the checksum of body and tensors. */
export interface CheckpointHeader extends CheckpointBody {
  readonly crc32c: number;
}

const bodySchema = z.object({
  checkpointVersion: z.literal(CHECKPOINT_VERSION),
  step: Count,
  seed: Count,
  optimizer: z.enum(OPTIMIZERS),
  momentum: z.number().min(0).max(1),
  loss: lossSchema.optional(),
  loaderState: z.record(z.string(), z.unknown()).nullable(),
  firstEpoch: Count.optional(),
  epochs: z.array(epochSchema),
  running: runningSchema.nullable(),
  best: bestEpochSchema.nullable(),
});

const headerSchema = bodySchema.extend({ crc32c: Count });

/** The same text whatever the order in which the body's parts were read. */
export function bodyText(body: CheckpointBody): string {
  return JSON.stringify(bodySchema.parse({ ...body, checkpointVersion: CHECKPOINT_VERSION }));
}

const versionSchema = z.object({ checkpointVersion: z.int() });

/**
 * The header of a checkpoint, from its text in the file.
 * @throws {@link StateError} naming `file` if it is none, or one of another version.
 */
export function parseHeader(text: string | undefined, file: string): CheckpointHeader {
  const fail = (problem: string, expected?: string, found?: string, fix = "use another checkpoint"): never => {
    throw new StateError({ file, problem, expected, found, fix });
  };
  if (text === undefined) return fail("holds tensors, but is no checkpoint of millrace");
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return fail("has a damaged header");
  }
  const version = versionSchema.safeParse(data);
  if (version.success && version.data.checkpointVersion !== CHECKPOINT_VERSION) {
    const found = version.data.checkpointVersion;
    const isNewer = found > CHECKPOINT_VERSION;
    const fix = isNewer ? "update millrace" : "go on with the version of millrace that wrote it";
    return fail(`is of ${isNewer ? "a newer" : "an older"} version`, `${CHECKPOINT_VERSION}`, `${found}`, fix);
  }
  const parsed = headerSchema.safeParse(data);
  if (parsed.success) {
    const { checkpointVersion: _version, ...header } = parsed.data;
    return header as unknown as CheckpointHeader;
  }
  const [issue] = parsed.error.issues;
  return fail(`has a header that does not fit: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`);
}
