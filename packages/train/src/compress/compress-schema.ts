import { StateError } from "@millrace/formats";
import { z } from "zod";
import { Count, Fraction, Ms, Rate } from "../report/schema-types.js";
import { COMPRESS_REPORT_VERSION, type CompressReport } from "./compress-report.js";

const IntervalSchema = z.object({ low: z.number(), high: z.number() });
const BoundSchema = z.enum(["fetch", "prep", "compute"]);
const PipelineSettingSchema = z.object({ numWorkers: Count, prefetchDepth: Count });

const LatencySchema = z.object({
  batchSize: Count,
  p50Ms: Ms,
  p95Ms: Ms,
  passes: Count.describe("forward passes that were measured"),
});

const SpeedSchema = z.object({
  loadMs: Ms.describe("from the bytes of the file in memory to weights on the device; the median"),
  latency: z.array(LatencySchema).describe("of forward passes, the outputs read back"),
  peakMemoryBytes: Count.describe("the most that tensors take in a forward pass of the largest batch"),
});

const ModelSchema = z.object({
  accuracy: z
    .object({ value: Fraction, interval: IntervalSchema.describe("95 %, by Wilson"), samples: Count })
    .describe("on the validation split"),
  parameters: Count,
  nonZero: Count.describe("parameters that are not zero"),
  macs: Count.describe("multiplications with an addition for one sample, zeros counted as any other weight"),
  bytes: z.object({
    float32: Count.describe("`model.json` and float32 weights of TensorFlow.js"),
    gzip: Count.describe("the same files by gzip"),
    packed: Count.describe("`model.packed`"),
  }),
  speed: SpeedSchema.optional().describe("of the models on the front, measured in turns"),
});

const SettingSchema = z.object({
  filterShare: Fraction.describe("share of the filters that stay"),
  sparsity: Fraction.describe("share of the weights that are zero"),
  bits: Count.describe("of a weight: 32 float32, 16 float16, 8 int8 by channel, fewer a codebook"),
});

const CandidateSchema = z.object({
  setting: SettingSchema,
  outcome: z.enum(["within", "lost", "skipped"]).describe("`skipped`: a gentler one has lost too much already"),
  reason: z.string(),
  model: ModelSchema.optional().describe("absent if it was skipped"),
  accuracyDrop: z.number().optional().describe("share of all samples; below 0 if it is better than before"),
  dropInterval: IntervalSchema.optional().describe("95 %, by Newcombe"),
  isOnFront: z.boolean().describe("no other candidate is both smaller and at least as right"),
});

const LinkSchema = z.object({
  latencyRatio: Rate.describe("time of the smaller model for a batch over that of the model before"),
  setting: PipelineSettingSchema.describe("of the loader as it is"),
  beforePerSec: Rate.describe("samples per second with the model before"),
  boundBefore: BoundSchema,
  afterPerSec: Rate.describe("predicted with the smaller model at the same setting"),
  boundAfter: BoundSchema,
  modelPerSec: Rate.describe("of the smaller model alone"),
  inputBoundAtPerSec: Rate.optional().describe("a model that is faster than this waits for the loader"),
  isInputBoundAfter: z.boolean(),
  neededSetting: PipelineSettingSchema.optional().describe("that feeds the smaller model; absent if none does"),
  thenPerSec: Rate.describe("predicted at that setting, or at the best there is"),
  text: z.string(),
  measuredPerSec: Rate.optional().describe("of a run with the smaller model at the present setting"),
});

/**
 * The zod schema of a report of compression as JSON. Names and units are those of {@link CompressReport}. A reader must
 * ignore names that it does not know; a change that breaks readers raises `reportVersion`.
 */
export const compressReportSchema: z.ZodType<CompressReport> = z.object({
  reportVersion: z.literal(COMPRESS_REPORT_VERSION),
  kind: z.literal("compress"),
  facts: z.array(z.object({ name: z.string(), value: z.string() })).describe("what the caller said about the run"),
  maxAccuracyDrop: Fraction.describe("the loss that was allowed, as a share of all samples"),
  before: ModelSchema.describe("the model that was given"),
  chosen: SettingSchema.optional().describe("the smallest within the allowed loss; absent if there is none"),
  after: ModelSchema.optional().describe("the model of that setting"),
  candidates: z.array(CandidateSchema).describe("all settings, in the order in which they came"),
  link: LinkSchema.optional().describe("what the smaller model asks of the input"),
  warnings: z.array(z.object({ code: z.string(), text: z.string() })).describe("limits of the figures; what is slower"),
  wallMs: Ms,
}) as unknown as z.ZodType<CompressReport>;

/** The JSON Schema (draft 2020-12) of a report of compression. It lets names pass that it does not know. */
export function compressReportJsonSchema(): Readonly<Record<string, unknown>> {
  return {
    ...z.toJSONSchema(compressReportSchema, { target: "draft-2020-12", io: "input" }),
    title: "Report of millrace compress",
    description: "What `millrace compress --json` prints. Times are in ms.",
  };
}

/** A report of compression as one JSON document that {@link compressReportSchema} describes. */
export function compressReportToJson(report: CompressReport): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

/**
 * Reads what {@link compressReportToJson} wrote.
 * @param file - Named in errors.
 * @throws StateError if it is no report of compression, or one of a newer version.
 */
export function parseCompressReport(text: string, file?: string): CompressReport {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new StateError({ file, problem: "is not JSON", found: (error as Error).message, cause: error });
  }
  const parsed = compressReportSchema.safeParse(data);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new StateError({
    file,
    problem: `is no report of compression of this version: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`,
    expected: `reportVersion ${COMPRESS_REPORT_VERSION}`,
    fix: "write it again with millrace compress --json",
  });
}
