import { z } from "zod";
import type { Order } from "./order.js";

const Seed = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

/** The zod schema of an {@link Order}, which comes from options and from saved states. */
export const orderSchema: z.ZodType<Order> = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("sequential"), seed: Seed }),
  z.strictObject({ kind: z.literal("shuffle"), seed: Seed }),
]);
