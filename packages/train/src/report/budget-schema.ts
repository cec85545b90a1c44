import { z } from "zod";
import type { CausesReport } from "../profile/causes.js";
import type { StepTimes } from "../step-log.js";
import { PARTS, STRAGGLER_CAUSES, type TimeBudget } from "../time-budget.js";
import { Count, Fraction, Ms } from "./schema-types.js";

/** Of the times of one step. */
export const stepTimesSchema: z.ZodType<StepTimes> = z.object({
  wallMs: Ms.describe("of the step, its wait for the batch included"),
  stallMs: Ms.describe("the loop waited for its batch"),
  fetchStallMs: Ms.optional().describe("part of the stall in which workers fetched"),
  prepStallMs: Ms.optional().describe("part of the stall in which workers decoded and transformed"),
  copyMs: Ms.describe("bringing the batch to the device"),
  computeMs: Ms.describe("running operations, or waiting for the device"),
  otherMs: Ms.describe("anything else: code between the steps"),
  overlappedCopyMs: Ms.describe("copy that was hidden behind something else; no part of the wall time"),
}) as unknown as z.ZodType<StepTimes>;

const PartSchema = z.object({
  sumMs: Ms.describe("over all steps"),
  fraction: Fraction.describe("share of wall time"),
  p50Ms: Ms.describe("median over the steps"),
  p95Ms: Ms.describe("95th percentile"),
  p99Ms: Ms.describe("99th percentile"),
});

const StragglerSchema = z.object({
  step: Count.describe("its number, from 0"),
  wallMs: Ms,
  excessMs: Ms.describe("over the median step"),
  part: z.enum(PARTS).describe("the part that grew most over its own median"),
  cause: z.enum(STRAGGLER_CAUSES).optional().describe("what slowed it down, where that is known"),
  causeMs: z.number().optional().describe("the time that the cause took"),
});

/** Of a {@link TimeBudget}. */
export const budgetSchema: z.ZodType<TimeBudget> = z.object({
  steps: Count.describe("steps that it sums up"),
  wall: PartSchema.describe("the whole step; the parts below add up to it"),
  stall: PartSchema.describe("waiting for the batch"),
  fetchStall: PartSchema.optional().describe("stall by fetching; absent where the source does not divide its stall"),
  prepStall: PartSchema.optional().describe("stall by decoding and transforming"),
  copy: PartSchema.describe("bringing the batch to the device"),
  compute: PartSchema.describe("running operations, or waiting for the device"),
  other: PartSchema.describe("anything else"),
  overlappedCopyMs: Ms.describe("copies that were hidden and cost nothing"),
  stragglerCount: Count.describe("steps longer than the median by half of it and by three deviations"),
  stragglers: z.array(StragglerSchema).describe("the slowest of them, at most ten, slowest first"),
}) as unknown as z.ZodType<TimeBudget>;

const WorkersSchema = z.object({
  busyFraction: Fraction.describe("share of their time in which they fetched or prepared"),
  fetchFraction: Fraction.describe("share in which they waited for storage"),
  prepFraction: Fraction.describe("share in which they decoded and transformed"),
  idleFraction: Fraction.describe("share in which they waited for room: they are faster than the loop"),
  ringReadyFraction: Fraction.describe("share of the run in which the next batch lay ready"),
});

/** Of a {@link CausesReport}. */
export const causesSchema: z.ZodType<CausesReport> = z.object({
  gc: z
    .object({ count: Count, sumMs: Ms, maxMs: Ms.describe("the longest") })
    .describe("garbage collections of the thread that runs the loop"),
  eventLoop: z
    .object({ p50Ms: Ms, p99Ms: Ms, maxMs: Ms })
    .describe("how late the event loop ran a timer; steps that compute on its thread show as lag"),
  workers: WorkersSchema.optional().describe("absent where batches do not come from the worker threads of a loader"),
}) as unknown as z.ZodType<CausesReport>;
