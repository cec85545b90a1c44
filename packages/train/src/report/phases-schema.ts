import type { Change, PipelineModel } from "@millrace/loader";
import { z } from "zod";
import type { Calibration } from "../profile/calibration.js";
import { VERDICTS } from "../profile/verdict.js";
import type { AppliedReport, PhasesReport, WhatIfRow } from "./report.js";
import { Count, Fraction, MoreThreads, Ms, Rate, Threads } from "./schema-types.js";

const BoundSchema = z.enum(["fetch", "prep", "compute"]);
const VerdictKindSchema = z.enum(VERDICTS);

const PhaseSchema = z.object({
  name: z
    .enum(["synthetic", "memory", "cold", "input"])
    .describe("the step alone (G), the loader on data in memory (P), reading alone (F), an iterable without a step"),
  samplesPerSec: Rate.optional().describe("absent where it could not be measured"),
  spread: Rate.optional().describe("half the range of three blocks over their mean"),
  batches: Count.describe("measured, warm-up left out"),
  wallMs: Ms,
  note: z.string().describe("how it was measured, or why it could not be"),
});

/** Of a {@link PhasesReport}. */
export const phasesSchema: z.ZodType<PhasesReport> = z.object({
  phases: z.array(PhaseSchema),
  inRunSamplesPerSec: Rate.describe("throughput of the run"),
  boundSamplesPerSec: Rate.optional().describe("the lowest of the phases; absent where one is missing"),
  bound: BoundSchema.optional().describe("which of them has it"),
  interference: z
    .number()
    .optional()
    .describe("share of that rate that the run does not reach; below 0: it was faster"),
  agrees: z
    .boolean()
    .optional()
    .describe("whether the verdict is what the phases let expect; absent: they cannot tell"),
  uncertainty: z
    .number()
    .optional()
    .describe(
      "by what share a phase that matters varied, where that is more than 15 %: predictions are known no better",
    ),
  residency: z.string().describe("whether the data came from memory or from storage, and by which figures"),
}) as unknown as z.ZodType<PhasesReport>;

const ChangeSchema: z.ZodType<Change> = z.object({
  numWorkers: MoreThreads.int().optional(),
  prefetchDepth: Count.optional(),
  cores: MoreThreads.optional(),
  cacheFraction: Fraction.optional(),
  storageBytesPerSec: Rate.optional(),
  storageFactor: Rate.optional().describe("so many times as fast"),
  bytesFactor: Rate.optional().describe("times the bytes of a sample"),
  prepFactor: Rate.optional().describe("times the work of a worker for a sample"),
  batchSize: Count.optional(),
  deviceFactor: Rate.optional().describe("so many times as fast"),
  modelFactor: Rate.optional().describe("times the work of a step"),
});

/** Of a {@link PipelineModel}. */
export const modelSchema: z.ZodType<PipelineModel> = z.object({
  batchSize: Count,
  numWorkers: Threads.int(),
  prefetchDepth: Count,
  cores: Threads.describe("CPUs that the process may use"),
  prepCpuMs: Ms.describe("CPU time of a worker for a sample whose data lie in memory"),
  fetchLatencyMs: Ms.describe("time that a worker is blocked for a sample that storage gives"),
  storageBytesPerSec: Rate.optional().describe("the most that storage gives; absent where no limit was met"),
  bytesPerSample: Rate.describe("read from storage for a sample"),
  cacheFraction: Fraction.describe("share of samples that need no storage"),
  computeMs: Ms.describe("of the step for one batch, the copy included"),
  computeCpuMs: Ms.describe("CPU time of the host for it"),
  computeFixedMs: Ms.optional().describe("part of it that does not depend on the batch size"),
  scaling: z
    .array(z.object({ numWorkers: Threads.int(), samplesPerSec: Rate }))
    .describe("measured throughput by number of workers, data in memory"),
  batchBytes: Rate.describe("bytes of a batch in shared memory"),
}) as unknown as z.ZodType<PipelineModel>;

/** Of a {@link Calibration}. */
export const calibrationSchema: z.ZodType<Calibration> = z.object({
  prepFactor: Rate.optional().describe("times the work of a worker for a sample"),
  storageFactor: Rate.optional().describe("storage that is so many times as fast"),
});

/** Of a {@link WhatIfRow}. */
export const whatIfSchema: z.ZodType<WhatIfRow> = z.object({
  name: z.string().describe("as in `workers: 1 -> 2`"),
  change: ChangeSchema.describe("what is changed; what is absent stays"),
  needs: z.enum(["option", "conversion", "training", "hardware"]).describe("what it takes"),
  needsHardware: z.boolean(),
  samplesPerSec: Rate.describe("predicted"),
  gain: z.number().describe("share by which throughput grows: 0.5 is half as much again"),
  bound: BoundSchema.describe("what limits the run then"),
});

/** Of an {@link AppliedReport}. */
export const appliedSchema: z.ZodType<AppliedReport> = z.object({
  name: z.string(),
  change: ChangeSchema.describe("what was changed"),
  beforePerSec: Rate.describe("samples per second before"),
  predictedPerSec: Rate,
  measuredPerSec: Rate,
  errorFraction: z.number().describe("predicted over measured, less 1: above 0 where too much was promised"),
  before: VerdictKindSchema.describe("the verdict before"),
  after: VerdictKindSchema.describe("the verdict after"),
});
