import { BackendError, isMillraceError } from "@millrace/formats";
import { isOutOfMemory } from "./out-of-memory.js";

/** The reason of the error for a device, a process or a module of wasm without memory. */
export const OUT_OF_MEMORY = "OUT_OF_MEMORY";

/**
 * What a run throws when a step has thrown `error`: the signal's reason and errors of millrace as they are, anything
 * else as the cause of a {@link BackendError} that names the step.
 * @param samples - Those of the step's batch: `the samples 3, 9`.
 */
export function stepError(error: unknown, step: number, signal: AbortSignal | undefined, samples?: string): unknown {
  if (isMillraceError(error) || (signal?.aborted === true && error === signal.reason)) return error;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const batch = samples === undefined ? "" : `, in the batch of ${samples}`;
  if (isOutOfMemory(error)) {
    return new BackendError({
      problem: `step ${step} ran out of memory${batch} (${text})`,
      reason: OUT_OF_MEMORY,
      fix: "lower batchSize, or make the images or the model smaller; wasm has at most 4 GB, whatever the machine has",
      cause: error,
    });
  }
  return new BackendError({
    problem: `step ${step} threw ${text}${batch}`,
    reason: "STEP_THREW",
    fix: "see its cause; negative steps are warm-up",
    cause: error,
  });
}
