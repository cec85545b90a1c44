import { isMillraceError } from "@millrace/formats";
import type { FailureReport } from "../report/report.js";

/** What a report says of the error that ended a run in `step`. */
export function failureReport(error: unknown, step: number): FailureReport {
  const text = error instanceof Error ? error.message : String(error);
  return isMillraceError(error) ? { step, code: error.code, reason: error.detail.reason, text } : { step, text };
}
