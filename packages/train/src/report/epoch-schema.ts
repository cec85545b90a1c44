import { z } from "zod";
import { METRICS, type BestEpoch } from "../training/best-epoch.js";
import type { EpochReport } from "./report.js";

const Count = z.int().min(0);
const Ms = z.number().min(0);
const Fraction = z.number().min(0).max(1.0000001);

const ValidationSchema = z.object({ samples: Count, loss: z.number(), accuracy: Fraction, wallMs: Ms });

/** Of one {@link EpochReport}. */
export const epochSchema: z.ZodType<EpochReport> = z.object({
  epoch: Count,
  steps: Count,
  loss: z.number(),
  accuracy: Fraction.optional(),
  samplesPerSec: Ms,
  validation: ValidationSchema.optional(),
}) as unknown as z.ZodType<EpochReport>;

/** Of a {@link BestEpoch}. */
export const bestEpochSchema: z.ZodType<BestEpoch> = z.object({
  metric: z.enum(METRICS),
  value: z.number(),
  epoch: Count,
  step: Count,
  misses: Count,
});
