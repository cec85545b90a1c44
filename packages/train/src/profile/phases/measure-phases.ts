import type { PipelineModel, ScalingPoint } from "@millrace/loader";
import type { PhaseReport, PhasesReport, Warning } from "../../report/report.js";
import { modelOf, type DataFacts } from "../pipeline-model.js";
import { withSharedStorage } from "../shared-storage.js";
import type { StepCall } from "../step-call.js";
import type { Verdict } from "../verdict.js";
import { comparePhases, type Limit } from "./compare-phases.js";
import { drain, type WorkerMs } from "./drain.js";
import type { HeldBatch } from "./held-batch.js";
import { measureCold, measureMemory, missingPhase, type ColdPhase, type MemoryPhase } from "./loader-phases.js";
import type { MeasurableLoader } from "./measurable-loader.js";
import { measureScaling } from "./measure-scaling.js";
import { measureSynthetic } from "./measure-synthetic.js";
import { NOT_MEASURED, whyNot, type PhaseContext } from "./phase-context.js";

/** The run that the phases explain. */
export interface MeasuredRun<B> {
  readonly source: AsyncIterable<B> | Iterable<B>;
  /** The same source, if it is a loader that can be opened again with one thing changed. */
  readonly loader: MeasurableLoader | undefined;
  /** What its workers did for a sample; `undefined` where it does not tell. */
  readonly worker: WorkerMs | undefined;
  readonly held: HeldBatch<B>;
  readonly call: StepCall<B>;
  /** Number of the first step after the run. */
  readonly nextStep: number;
  readonly samplesPerSec: number;
  readonly verdict: Verdict;
  /** Whether P is to be measured with other numbers of workers, too. */
  readonly scaling: boolean;
}

/** What the phases found. */
export interface MeasuredPhases {
  readonly phases: PhasesReport;
  readonly model: PipelineModel | undefined;
  /** That of the run, with a cause that only the phases show. */
  readonly verdict: Verdict;
  /** What is known of the data; nothing where the source does not tell. */
  readonly data: DataFacts;
  readonly warnings: readonly Warning[];
}

/** Measures the step and the input of a run one by one, when the run itself is over. */
export async function measurePhases<B>(run: MeasuredRun<B>, context: PhaseContext): Promise<MeasuredPhases> {
  context.onPhase("synthetic");
  const synthetic = await measureSynthetic(run.held, run.call, run.nextStep, context);
  const input = run.loader === undefined ? await measureInput(run.source, context) : undefined;
  const parts = run.loader === undefined ? undefined : await measureLoader(run, run.loader, synthetic.report, context);
  const model = modelOf({
    synthetic,
    memory: parts?.memory.drained,
    cold: parts?.cold,
    scaling: parts?.scaling ?? [],
  });
  const limits = [
    ...limitOf("compute", synthetic.report),
    ...limitOf(undefined, input),
    ...limitOf("prep", parts?.memory.report),
    ...fetchLimit(parts?.cold),
  ];
  const verdict = model === undefined ? run.verdict : withSharedStorage(run.verdict, model);
  const { warnings, ...compared } = comparePhases(limits, run.samplesPerSec, verdict, model);
  const phases = [synthetic.report, input, parts?.memory.report, parts?.cold.report];
  return {
    phases: {
      phases: phases.filter((phase) => phase !== undefined),
      inRunSamplesPerSec: run.samplesPerSec,
      ...compared,
      residency: parts?.cold.residency ?? "not known: the source of batches is no millrace loader",
    },
    model,
    verdict,
    data: run.loader?.facts() ?? {},
    warnings: [...warnings, ...warmWarning(parts?.cold)],
  };
}

interface LoaderParts {
  readonly memory: MemoryPhase;
  readonly cold: ColdPhase;
  readonly scaling: readonly ScalingPoint[];
}

async function measureLoader<B>(
  run: MeasuredRun<B>,
  loader: MeasurableLoader,
  synthetic: PhaseReport,
  context: PhaseContext,
): Promise<LoaderParts> {
  context.onPhase("memory");
  const memory = await measureMemory(loader, context);
  context.onPhase("cold");
  const rest = Math.min(synthetic.samplesPerSec ?? Infinity, memory.report.samplesPerSec ?? Infinity);
  const cold = await measureCold(loader, run.worker, memory.drained?.worker, rest, context);
  if (!run.scaling || memory.drained === undefined) return { memory, cold, scaling: [] };
  context.onPhase("scaling");
  return { memory, cold, scaling: await measureScaling(loader, memory.drained, memory.inMemory, context) };
}

/** I: how fast an iterable is that is no millrace loader, when nothing is done with its batches. */
async function measureInput(
  source: AsyncIterable<unknown> | Iterable<unknown>,
  context: PhaseContext,
): Promise<PhaseReport> {
  context.onPhase("input");
  if (isIterator(source)) return missingPhase("input", "a generator cannot be begun again; give an iterable that can");
  try {
    const { batches, ms } = context;
    const { blocks } = await drain(source, { batches, ms, warmup: { batches: 2, mostMs: ms / 2 } }, context);
    const { samplesPerSec, spread, wallMs, problem } = blocks;
    const note = problem === "" ? "the input alone, begun again, without a step" : `${NOT_MEASURED}${problem}`;
    return { name: "input", samplesPerSec, spread, batches: blocks.batches, wallMs, note };
  } catch (error) {
    return missingPhase("input", whyNot(error, context.signal));
  }
}

/** True for what gives itself as its iterator: there is but one pass over it. */
function isIterator(source: AsyncIterable<unknown> | Iterable<unknown>): boolean {
  return typeof (source as Partial<Iterator<unknown>>).next === "function";
}

function limitOf(bound: Limit["bound"], report: PhaseReport | undefined): Limit[] {
  if (report?.samplesPerSec === undefined) return [];
  return [{ bound, samplesPerSec: report.samplesPerSec, spread: report.spread ?? 1 }];
}

function fetchLimit(cold: ColdPhase | undefined): Limit[] {
  if (cold?.runPerSec === undefined) return [];
  return [{ bound: "fetch", samplesPerSec: cold.runPerSec, spread: cold.report.spread ?? 1 }];
}

function warmWarning(cold: ColdPhase | undefined): Warning[] {
  if (cold?.warmReason === undefined) return [];
  return [
    {
      code: "warm-data",
      text: `Cold data were asked for, but reads may have been served from memory (${cold.warmReason}): the rate of cold data is at most what is shown.`,
    },
  ];
}
