import { BackendError, isMillraceError } from "@millrace/formats";

/**
 * What a run throws when a step has thrown `error`: the signal's reason and errors of millrace as they are, anything
 * else as the cause of a {@link BackendError} that names the step.
 */
export function stepError(error: unknown, step: number, signal: AbortSignal | undefined): unknown {
  if (isMillraceError(error) || (signal?.aborted === true && error === signal.reason)) return error;
  return new BackendError({
    problem: `step ${step} threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`,
    fix: "see its cause; negative steps are warm-up",
    cause: error,
  });
}
