import { StateError, type Dataset } from "@millrace/formats";
import { createHash } from "node:crypto";
import { z } from "zod";
import type { Order } from "./order/order.js";
import { orderSchema } from "./order/order-schema.js";
import { lacksWeights, saveOrder } from "./order/saved-order.js";

/** Version of the state that this version writes; it reads this one only. */
export const STATE_VERSION = 1;

/**
 * Where a run stands: small JSON, to be kept in a checkpoint and given back as the option `state`. It counts what the
 * consumer has received, not what was prepared for it. It fits after a change of workers, batch size, worldSize, or of
 * the data set's path; after a change of worldSize give all ranks the state of the same rank.
 */
export interface LoaderState {
  readonly version: typeof STATE_VERSION;
  /** Identity of the data set's content. */
  readonly fingerprint: string;
  readonly split: string;
  /** Weights of samples stand in it as their SHA-256; give such an order again when you go on. */
  readonly order: Order;
  /** 0 to 2^32 - 1. */
  readonly epoch: number;
  /** Position in the epoch up to which all ranks together have come, in samples. */
  readonly position: number;
  readonly worldSize: number;
  /** Bad samples among those that this rank visited in this epoch. */
  readonly skipped: number;
}

const stateSchema: z.ZodType<LoaderState> = z.strictObject({
  version: z.literal(STATE_VERSION),
  fingerprint: z.string(),
  split: z.string(),
  order: orderSchema,
  epoch: z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
  position: z.int().min(0),
  worldSize: z.int().min(1),
  skipped: z.int().min(0),
});

/**
 * Checks a state that came from outside, against the data set it shall go on with.
 * @throws {@link StateError} if it is damaged or of another data set, split or order.
 */
export function checkState(
  data: unknown,
  now: Pick<LoaderState, "fingerprint" | "split">,
  order: Order | undefined,
): LoaderState {
  const parsed = stateSchema.safeParse(data);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new StateError({
      problem: `the state of the loader is damaged: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`,
      fix: "begin without it",
    });
  }
  const state = parsed.data;
  if (state.fingerprint !== now.fingerprint) differs("data set", now.fingerprint, state.fingerprint);
  if (state.split !== now.split) differs("split", now.split, state.split);
  const [expected, found] = [order === undefined ? undefined : saveOrder(order), state.order].map((o) =>
    JSON.stringify(o),
  );
  if (expected !== undefined && expected !== found) differs("order", expected, found as string);
  if (order === undefined && lacksWeights(state.order)) {
    throw new StateError({
      problem: "the state of the loader does not hold the weights of its order",
      expected: "the option order, with the same weights",
      fix: "give the order again",
    });
  }
  return state;
}

function differs(what: string, expected: string, found: string): never {
  throw new StateError({
    problem: `the state of the loader belongs to another ${what}`,
    expected,
    found,
    fix: `open the ${what} that the state was saved with, or begin without it`,
  });
}

/** Identity of a data set's content: the manifest's, or for a file without one, that of its schema and length. */
export function identityOf(dataset: Dataset): string {
  if (dataset.fingerprint !== "") return dataset.fingerprint;
  const content = { schema: dataset.schema, samples: dataset.splits.map((split) => split.length) };
  return `file-${createHash("sha256").update(JSON.stringify(content)).digest("hex")}`;
}
