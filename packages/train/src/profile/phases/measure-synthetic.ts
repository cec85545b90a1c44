import { batchSizeOf } from "../../batch-size.js";
import type { PhaseReport } from "../../report/report.js";
import type { StepCall } from "../step-call.js";
import type { HeldBatch } from "./held-batch.js";
import { measureBlocks, type Blocks } from "./measure-blocks.js";
import { NOT_MEASURED, whyNot, type PhaseContext } from "./phase-context.js";

/** The step on one batch, without a loader. */
export interface Synthetic {
  readonly report: PhaseReport;
  /** Of one step, copy included; `undefined` where it was not measured. */
  readonly computeMs: number | undefined;
  /** CPU time of the process in one step, in ms. */
  readonly computeCpuMs: number;
}

/** Steps before those that are measured: the device is warm from the run. */
const WARMUP_STEPS = 2;
const NO_FENCE = "; without a fence, what the step leaves to the background is not in it";

/**
 * G: how fast the step is on data that is there already.
 * @param firstStep - Number of the first step, for the step's context.
 */
export async function measureSynthetic<B>(
  held: HeldBatch<B>,
  call: StepCall<B>,
  firstStep: number,
  context: PhaseContext,
): Promise<Synthetic> {
  if (!held.isHeld) return notMeasured(held.note);
  const { watch, clock } = context;
  let step = firstStep;
  let cpuMs = 0;
  const one = async (): Promise<number> => {
    const turn = watch.between();
    if (turn !== undefined) await turn;
    const batch = held.next();
    await call.run(batch, { step: step++, copy: (work) => work() });
    return context.samplesPerBatch ?? batchSizeOf(batch) ?? Number.NaN;
  };
  try {
    const limits = {
      batches: context.batches,
      ms: context.ms,
      warmup: { batches: WARMUP_STEPS, mostMs: context.ms / 2 },
    };
    const blocks = await measureBlocks(one, limits, clock, () => {
      cpuMs = context.cpuMs();
    });
    if (blocks.problem !== "") return notMeasured(blocks.problem);
    return {
      report: syntheticReport(blocks, `${held.note}${call.fence.isThere ? "" : NO_FENCE}`),
      computeMs: blocks.wallMs / blocks.batches,
      computeCpuMs: Math.max(0, context.cpuMs() - cpuMs) / blocks.batches,
    };
  } catch (error) {
    return notMeasured(`${held.note}: ${whyNot(error, context.signal)}; give copyBatch if the step consumes its batch`);
  }
}

function syntheticReport({ samplesPerSec, spread, batches, wallMs }: Blocks, note: string): PhaseReport {
  return { name: "synthetic", samplesPerSec, spread, batches, wallMs, note: `the step alone on ${note}` };
}

function notMeasured(why: string): Synthetic {
  const note = `${NOT_MEASURED}${why}`;
  const report: PhaseReport = {
    name: "synthetic",
    samplesPerSec: undefined,
    spread: undefined,
    batches: 0,
    wallMs: 0,
    note,
  };
  return { report, computeMs: undefined, computeCpuMs: 0 };
}
