import type { StepRecorder } from "./step-recorder.js";

/** What a step function is told, and how it says which part of its time is an upload. */
export interface StepContext {
  /** Number of the step, from 0. */
  readonly step: number;
  /**
   * Runs `work` and counts its time as copy; the rest of a step counts as compute. If `work` returns a promise, the
   * time counts until it settles.
   * @returns what `work` returns.
   */
  readonly copy: <T>(work: () => T) => T;
}

/** True for what `await` would wait for. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

/** Runs `work` as one span of the recorder, which ends when its result settles. */
export function recordCopy<T>(recorder: StepRecorder, work: () => T): T {
  recorder.begin("copy");
  let result: T;
  try {
    result = work();
  } catch (error) {
    recorder.end("copy");
    throw error;
  }
  if (!isPromiseLike(result)) {
    recorder.end("copy");
    return result;
  }
  const end = (): void => recorder.end("copy");
  result.then(end, end);
  return result;
}
