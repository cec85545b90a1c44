import { StateError } from "@millrace/formats";
import { z } from "zod";
import { VERDICTS } from "../profile/verdict.js";
import { PARTS, STRAGGLER_CAUSES } from "../time-budget.js";
import { bestEpochSchema, epochSchema } from "./epoch-schema.js";
import { REPORT_STEPS, REPORT_VERSION, type Report } from "./report.js";

const Count = z.int().min(0);
const Ms = z.number().min(0);
const Fraction = z.number().min(0).max(1.0000001);
const Optional = <T extends z.ZodType>(type: T): z.ZodOptional<T> => type.optional();

const StepTimesSchema = z.object({
  wallMs: Ms,
  stallMs: Ms,
  fetchStallMs: Optional(Ms),
  prepStallMs: Optional(Ms),
  copyMs: Ms,
  computeMs: Ms,
  otherMs: Ms,
  overlappedCopyMs: Ms,
});

const PartSchema = z.object({ sumMs: Ms, fraction: Fraction, p50Ms: Ms, p95Ms: Ms, p99Ms: Ms });

const BudgetSchema = z.object({
  steps: Count,
  wall: PartSchema,
  stall: PartSchema,
  fetchStall: Optional(PartSchema),
  prepStall: Optional(PartSchema),
  copy: PartSchema,
  compute: PartSchema,
  other: PartSchema,
  overlappedCopyMs: Ms,
  stragglerCount: Count,
  stragglers: z.array(
    z.object({
      step: Count,
      wallMs: Ms,
      excessMs: Ms,
      part: z.enum(PARTS),
      cause: Optional(z.enum(STRAGGLER_CAUSES)),
      causeMs: Optional(z.number()),
    }),
  ),
});

const CausesSchema = z.object({
  gc: z.object({ count: Count, sumMs: Ms, maxMs: Ms }),
  eventLoop: z.object({ p50Ms: Ms, p99Ms: Ms, maxMs: Ms }),
  workers: Optional(
    z.object({
      busyFraction: Fraction,
      fetchFraction: Fraction,
      prepFraction: Fraction,
      idleFraction: Fraction,
      ringReadyFraction: Fraction,
    }),
  ),
});

const CommonSchema = {
  reportVersion: z.literal(REPORT_VERSION),
  facts: z.array(z.object({ name: z.string(), value: z.string() })),
  verdict: z.object({
    kind: z.enum(VERDICTS),
    cause: Optional(z.enum(["fetch", "prep", "both"])),
    reason: z.string(),
    stallInterval: Optional(z.object({ low: Fraction, high: Fraction })),
    stepsNeeded: Optional(Count),
  }),
  headspace: z.number().min(1),
  throughput: z.object({ stepsPerSec: Ms, samplesPerSec: Optional(Ms) }),
  budget: BudgetSchema,
  advice: z.array(
    z.object({
      code: z.enum(["prep", "fetch", "stall", "copy", "compute", "other", "stragglers"]),
      text: z.string(),
      fraction: Fraction,
      gain: Optional(z.number().min(1)),
    }),
  ),
  cost: z.object({
    spans: Count,
    spanNs: Ms,
    fences: Count,
    idleFenceMs: Optional(Ms),
    fenceWaitMs: Ms,
    fraction: Fraction,
  }),
  causes: Optional(CausesSchema),
  warnings: z.array(z.object({ code: z.string(), text: z.string() })),
  steps: z.array(StepTimesSchema).max(REPORT_STEPS),
};

/**
 * The zod schema of a report as JSON. Names and units are those of {@link Report}; what is `undefined` there is absent
 * here. A reader must ignore names that it does not know; a change that breaks readers raises `reportVersion`.
 */
export const reportSchema: z.ZodType<Report> = z.discriminatedUnion("kind", [
  z.object({
    ...CommonSchema,
    kind: z.literal("profile"),
    requestedSteps: Count,
    warmupSteps: Count,
    passes: Count,
  }),
  z.object({
    ...CommonSchema,
    kind: z.literal("train"),
    epochs: z.array(epochSchema),
    firstStep: Count,
    checkpoint: Optional(z.string()),
    checkpointMs: Ms,
    best: Optional(bestEpochSchema),
    stoppedEarly: Optional(z.boolean()),
  }),
]) as unknown as z.ZodType<Report>;

/** A report as one JSON document that {@link reportSchema} describes. */
export function reportToJson(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

/**
 * Reads what {@link reportToJson} wrote.
 * @param file - Named in errors.
 * @throws {@link StateError} if it is no report, or one of a newer version.
 */
export function parseReport(text: string, file?: string): Report {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new StateError({ file, problem: "is not JSON", found: (error as Error).message, cause: error });
  }
  const parsed = reportSchema.safeParse(data);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new StateError({
    file,
    problem: `is no report of this version: ${issue?.path.join(".") ?? "the document"}: ${issue?.message ?? "is wrong"}`,
    expected: `reportVersion ${REPORT_VERSION}`,
    fix: "write it again with millrace profile --json",
  });
}
