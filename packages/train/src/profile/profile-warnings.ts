import type { FailureReport, Warning } from "../report/report.js";
import type { DeviceFence } from "./device-fence.js";

/** What a profile knows of its run beside the steps. */
export interface ProfileFindings {
  readonly fence: Pick<DeviceFence, "isThere" | "problem">;
  readonly failure: FailureReport | undefined;
  readonly measuredSteps: number;
  readonly requestedSteps: number;
  readonly passes: number;
}

/** What limits the figures of a profile, beside what limits those of any run. */
export function profileWarnings(findings: ProfileFindings): Warning[] {
  const { fence, failure, measuredSteps, requestedSteps, passes } = findings;
  const warnings: Warning[] = [];
  if (failure !== undefined) {
    const when = failure.step < 0 ? `in the warm-up, step ${failure.step}` : `at step ${failure.step}`;
    warnings.push({ code: "failed", text: `The run failed ${when}: ${failure.text}` });
  }
  if (!fence.isThere) {
    const what = fence.problem === undefined ? "No fence was given." : `The device cannot be fenced: ${fence.problem}.`;
    warnings.push({
      code: "no-fence",
      text: `${what} If the device works in the background, its time counts only while the step waits for it.`,
    });
  }
  if (failure === undefined && measuredSteps < requestedSteps) {
    warnings.push({
      code: "ended-early",
      text: `The iterable ended after ${measuredSteps} of ${requestedSteps} measured steps and cannot be begun again.`,
    });
  }
  if (passes > 1) {
    warnings.push({
      code: "passes",
      text: `The loader was begun ${passes} times to get the steps; the start of each pass is in the figures.`,
    });
  }
  return warnings;
}
