import { BackendError, isMillraceError, SampleError } from "@millrace/formats";
import { stepError } from "../step-error.js";
import { STEP_OVERDUE } from "../step-watch.js";
import { LABEL_OUT_OF_RANGE, type LayersStep } from "./layers-step.js";
import { describeSamples, namesOf, type SampleKeys } from "./sample-keys.js";
import type { TrainBatch } from "./train-options.js";

/** The update that failed. */
export interface FailedStep {
  readonly step: number;
  readonly batch: TrainBatch;
  /** What ran, if it is not the user's. */
  readonly layers: LayersStep | undefined;
  readonly sampleKeys: SampleKeys | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What a run throws when an update has thrown `error`: {@link stepError}, with the samples of its batch. */
export async function stepFailure(error: unknown, failed: FailedStep): Promise<unknown> {
  const { step, batch, layers, sampleKeys, signal } = failed;
  if (isMillraceError(error, "SAMPLE") && error.detail.reason === LABEL_OUT_OF_RANGE) {
    const sample = layers?.sampleOfBadLabel(batch);
    if (sample === undefined || sampleKeys === undefined) return error;
    const [key] = await namesOf([sample], sampleKeys);
    return new SampleError({ ...error.detail, key });
  }
  const samples = batch.indices === undefined ? undefined : await describeSamples(batch.indices, sampleKeys);
  if (!isMillraceError(error) || error.detail.reason !== STEP_OVERDUE || samples === undefined)
    return stepError(error, step, signal, samples);
  return new BackendError({ ...error.detail, problem: `${error.detail.problem}, with the batch of ${samples}` });
}
