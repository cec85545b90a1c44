import { advise } from "../profile/advice.js";
import { nameStragglers, NO_INCIDENTS } from "../profile/causes-stragglers.js";
import type { FoundCauses } from "../profile/causes.js";
import { measuringCost } from "../profile/measuring-cost.js";
import { headspaceOf, judge } from "../profile/verdict.js";
import { runWarnings } from "../profile/warnings.js";
import type { StepRecorder } from "../step-recorder.js";
import { timeBudget } from "../time-budget.js";
import { REPORT_STEPS, REPORT_VERSION, type Fact, type RunReport, type Warning } from "./report.js";

/** What a run measured. */
export interface Measured {
  readonly recorder: StepRecorder;
  /** Samples of all steps; NaN where batches do not say how many they hold. */
  readonly samples: number;
  readonly facts: readonly Fact[];
  /** Cost of a span in nanoseconds. */
  readonly spanNs: number;
  readonly fences: number;
  readonly fenceWaitMs: number;
  readonly idleFenceMs: number | undefined;
  /** Steps at the beginning that the verdict leaves out. */
  readonly startupSteps: number;
  /** What went on beside the steps. */
  readonly found?: FoundCauses | undefined;
}

/** The part of a report that profile and train share, from what was measured; `warnings` are the caller's own. */
export function runReport(measured: Measured, warnings: readonly Warning[]): RunReport {
  const { recorder, samples, spanNs, fences, fenceWaitMs, idleFenceMs, found } = measured;
  const budget = nameStragglers(timeBudget(recorder.log), recorder.log, found?.incidents ?? NO_INCIDENTS);
  const steps = recorder.log.steps();
  const verdict = judge(steps.slice(Math.max(0, measured.startupSteps - recorder.log.first)));
  const wallMs = budget.wall.sumMs;
  const perSec = (count: number): number => (wallMs > 0 ? (count * 1000) / wallMs : 0);
  return {
    reportVersion: REPORT_VERSION,
    facts: measured.facts,
    verdict,
    headspace: headspaceOf(wallMs, budget.stall.sumMs),
    throughput: {
      stepsPerSec: perSec(budget.steps),
      samplesPerSec: Number.isNaN(samples) ? undefined : perSec(samples),
    },
    budget,
    advice: advise(budget, verdict),
    cost: measuringCost({ spans: recorder.spans, spanNs, fences, fenceWaitMs, idleFenceMs }, wallMs),
    causes: found?.report,
    warnings: [...runWarnings(budget, verdict, recorder.clockJumps), ...warnings],
    steps: steps.slice(-REPORT_STEPS),
  };
}
