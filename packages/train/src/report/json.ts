import { StateError } from "@millrace/formats";
import { z } from "zod";
import { VERDICTS } from "../profile/verdict.js";
import { budgetSchema, causesSchema, stepTimesSchema } from "./budget-schema.js";
import { bestEpochSchema, epochSchema } from "./epoch-schema.js";
import { appliedSchema, calibrationSchema, modelSchema, phasesSchema, whatIfSchema } from "./phases-schema.js";
import { REPORT_STEPS, REPORT_VERSION, type Report } from "./report.js";
import { Count, Fraction, Ms, Rate } from "./schema-types.js";

const VerdictSchema = z.object({
  kind: z.enum(VERDICTS),
  cause: z.enum(["fetch", "prep", "both"]).optional().describe("what an input-bound run waits for"),
  reason: z.string().describe("one clause with the figures that decided"),
  stallInterval: z.object({ low: Fraction, high: Fraction }).optional().describe("95 % interval of the stall's share"),
  stepsNeeded: Count.optional().describe("measured steps that a verdict needs, where more would help"),
});

const AdviceSchema = z.object({
  code: z.enum(["prep", "fetch", "stall", "copy", "compute", "other", "stragglers"]),
  text: z.string(),
  fraction: Fraction.describe("share of wall time that it is about"),
  gain: z.number().min(1).optional().describe("factor on throughput: the most there is, or what is predicted"),
  isPredicted: z.boolean().optional().describe("true where the gain is predicted for one change"),
});

const CostSchema = z.object({
  spans: Count,
  spanNs: Ms.describe("cost of one span in nanoseconds"),
  fences: Count,
  idleFenceMs: Ms.optional().describe("cost of one fence on an idle device"),
  fenceWaitMs: Ms.describe("waited at fences in all"),
  fraction: Fraction.describe("share of wall time that measuring took"),
});

const FailureSchema = z.object({
  step: z.number().int().describe("in which it ended; negative ones are warm-up"),
  code: z.string().optional().describe("of an error of millrace, as `BACKEND`"),
  reason: z.string().optional().describe("finer than `code`, as `STEP_THREW`"),
  text: z.string().describe("what the error says"),
});

const CommonSchema = {
  reportVersion: z.literal(REPORT_VERSION),
  facts: z.array(z.object({ name: z.string(), value: z.string() })).describe("what the caller said about the run"),
  verdict: VerdictSchema.describe("what limits the run, and why one can say so"),
  headspace: z.number().min(1).describe("what an infinitely fast loader would gain: a factor on throughput"),
  throughput: z.object({
    stepsPerSec: Rate,
    samplesPerSec: Rate.optional().describe("absent where batches do not say how many samples they hold"),
  }),
  budget: budgetSchema.describe("where the time of the steps went"),
  advice: z.array(AdviceSchema).describe("what to change, the most promising first"),
  cost: CostSchema.describe("what the measuring cost"),
  causes: causesSchema.optional().describe("what else went on in the process meanwhile"),
  warnings: z.array(z.object({ code: z.string(), text: z.string() })).describe("what limits the figures"),
  steps: z
    .array(stepTimesSchema)
    .max(REPORT_STEPS)
    .describe("the newest steps; the last one is step `budget.steps - 1`"),
};

const ProfileSchema = z.object({
  ...CommonSchema,
  kind: z.literal("profile"),
  requestedSteps: Count.describe("steps asked for; `budget.steps` were measured"),
  warmupSteps: Count.describe("steps run before the first one measured"),
  passes: Count.describe("how often the iterable was begun"),
  failure: FailureSchema.optional().describe("why the run ended before its steps were done"),
  phases: phasesSchema.optional().describe("step and input, measured one by one"),
  model: modelSchema.optional().describe("what was measured, for predictions"),
  calibration: calibrationSchema
    .optional()
    .describe(
      "what makes the model predict this run: predictions are of the model with these factors; absent: the factor is 1",
    ),
  whatIf: z.array(whatIfSchema).optional().describe("what changes would bring, the best first"),
  applied: z.array(appliedSchema).optional().describe("what `--apply` changed, in order"),
});

const TrainSchema = z.object({
  ...CommonSchema,
  kind: z.literal("train"),
  epochs: z.array(epochSchema),
  firstStep: Count.describe("the step that a resumed run began with"),
  checkpoint: z.string().optional().describe("path of the newest checkpoint"),
  checkpointMs: Ms.describe("spent writing checkpoints; no step contains it"),
  best: bestEpochSchema.optional().describe("the best epoch by the option `metric`"),
  stoppedEarly: z.boolean().optional(),
});

/**
 * The zod schema of a report as JSON. Names and units are those of {@link Report}; what is `undefined` there is absent
 * here. A reader must ignore names that it does not know; a change that breaks readers raises `reportVersion`.
 */
export const reportSchema: z.ZodType<Report> = z.discriminatedUnion("kind", [
  ProfileSchema,
  TrainSchema,
]) as unknown as z.ZodType<Report>;

/**
 * The JSON Schema (draft 2020-12) of the two kinds of report, for programs in other languages. It lets names pass that
 * it does not know.
 */
export function reportJsonSchema(): Readonly<Record<string, unknown>> {
  return {
    ...z.toJSONSchema(reportSchema, { target: "draft-2020-12", io: "input" }),
    title: "Report of millrace",
    description: "What `millrace profile --json` and `millrace train --json` print. Times are in ms.",
  };
}

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
