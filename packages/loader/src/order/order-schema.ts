import { OptionError } from "@millrace/formats";
import { z } from "zod";
import { shownValue } from "../shown-value.js";
import type { Order } from "./order.js";

/** Most positions of an epoch that a weighted order may ask for. */
const MAX_DRAWS = 2 ** 32 - 1;

/** An integer of an order, with the words that an error says of it. */
function integer(lowest: number, highest: number): z.ZodInt {
  const expected = `an integer from ${lowest} to ${highest}`;
  return z.int(expected).min(lowest, expected).max(highest, expected);
}

const seed = integer(0, Number.MAX_SAFE_INTEGER);
const WEIGHTS = "a list of finite numbers from 0 up, not all 0";
const LABELS = "a list of at least one label or name of a class";

/** A loop, as a list may hold one number a sample. */
function areWeights(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  let largest = 0;
  for (const weight of value as unknown[]) {
    if (typeof weight !== "number" || !Number.isFinite(weight) || weight < 0) return false;
    if (weight > largest) largest = weight;
  }
  return largest > 0;
}

const weights = z.custom<readonly number[]>(areWeights, WEIGHTS);
const digest = z.string().regex(/^[0-9a-f]{64}$/u);

const weightedSchema = z
  .strictObject({
    kind: z.literal("weighted"),
    seed,
    weights: z.union([weights, digest], WEIGHTS).optional(),
    classWeights: z.union([weights, z.literal("balanced")], `${WEIGHTS}, or "balanced"`).optional(),
    draws: integer(1, MAX_DRAWS).optional(),
  })
  .refine((order) => (order.weights === undefined) !== (order.classWeights === undefined), {
    error: "either weights or classWeights",
    path: ["weights"],
  });

const PLAIN = [
  z.strictObject({ kind: z.literal("sequential"), seed }),
  z.strictObject({ kind: z.literal("shuffle"), seed }),
  z.strictObject({
    kind: z.literal("blockShuffle"),
    seed,
    blockSize: integer(1, 2 ** 32),
    windowBlocks: integer(1, 2 ** 32),
  }),
  weightedSchema,
] as const;

const KINDS =
  "sequential(), shuffle({ seed }), blockShuffle({ seed, blockSize, windowBlocks }), weighted({ weights }), classBalanced() or filter({ labels })";

/** The zod schema of an {@link Order}, which comes from options and from saved states. */
export const orderSchema: z.ZodType<Order> = z.discriminatedUnion(
  "kind",
  [
    ...PLAIN,
    z.strictObject({
      kind: z.literal("filter"),
      seed,
      labels: z.array(z.union([z.int(), z.string()], LABELS), LABELS).min(1, LABELS),
      order: z.discriminatedUnion("kind", PLAIN, `an order but filter: ${KINDS}`),
    }),
  ],
  KINDS,
);

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const key of path) found = (found as Record<PropertyKey, unknown> | null | undefined)?.[key];
  return found;
}

/**
 * Checks an order that came as plain data.
 * @throws {@link OptionError} that says which of its numbers is impossible.
 */
export function checkOrder<T extends Order>(order: T): T {
  const parsed = orderSchema.safeParse(order);
  if (parsed.success) return parsed.data as T;
  const issue = parsed.error.issues[0];
  const path = issue?.path ?? [];
  const kind = at(order, ["kind"]);
  throw new OptionError({
    option: "order",
    problem:
      path.length === 0 || path[0] === "kind"
        ? "is impossible"
        : `${shownValue(kind)}: ${path.join(".")} is impossible`,
    expected: issue?.message ?? KINDS,
    found: shownValue(at(order, path)),
  });
}
