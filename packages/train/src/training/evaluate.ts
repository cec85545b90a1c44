import { OptionError, type Statistics } from "@millrace/formats";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { Backend } from "../backends/backend.js";
import { BatchPass } from "../batch-pass.js";
import { systemClock, type Clock } from "../clock.js";
import type { ValidationReport } from "../report/report.js";
import { stepError } from "../step-error.js";
import { StepWatch } from "../step-watch.js";
import { LayersStep } from "./layers-step.js";
import { CROSS_ENTROPY } from "./loss.js";
import { addMetrics, NO_METRICS, StepMetrics, type EvaluationName } from "./step-metrics.js";
import { statisticsOf, type TrainBatch, type TrainLoader } from "./train-options.js";

/** How to evaluate a model. */
export interface EvaluateOptions {
  readonly loader: TrainLoader;
  /** See {@link TrainOptions.model}. */
  readonly model: LayersModel;
  readonly backend: Backend;
  /** See `TrainOptions.statistics`: the same as in training, so give them if the loader is of another dataset. */
  readonly statistics?: Statistics | undefined;
  /** Default `image`. */
  readonly imageField?: string | undefined;
  /** Default `label`. */
  readonly labelField?: string | undefined;
  /** How long a batch may take, in ms. Default 300,000. */
  readonly deadlineMs?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Losses are read after so many batches. */
const READ_EVERY = 16;

/**
 * Cross-entropy and accuracy of a model over one whole epoch of a loader, with dropout off and batch norm at its averages.
 * The loss is the plain one, without label smoothing and focal weights, so that models can be compared however they were
 * trained. The validation of {@link train} measures the loss that the run minimises, which with `labelSmoothing` or
 * `focal` is another number; the accuracy is the same.
 * @throws {@link OptionError} if the model does not fit, or the loader yields nothing; {@link BackendError} if a loss or an
 * image of float32 is not finite; the signal's reason when it aborts.
 */
export async function evaluate(options: EvaluateOptions): Promise<ValidationReport> {
  using watch = new StepWatch(options.deadlineMs ?? 300_000, options.signal);
  const { loader, imageField = "image", labelField = "label", clock = systemClock, signal } = options;
  const statistics = options.statistics ?? statisticsOf(loader, imageField);
  const step = new LayersStep({ ...options, statistics, imageField, labelField, loss: CROSS_ENTROPY });
  return await evaluateStep(step, { name: "evaluation", loader, watch, clock, signal });
}

/** What an evaluation runs over, and with. */
export interface Evaluation {
  /** What errors call it. */
  readonly name: EvaluationName;
  readonly loader: TrainLoader;
  readonly watch: StepWatch;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

/**
 * The batches of a whole epoch. The epoch that an abort left in the middle would go on there, so the next one is taken.
 */
function wholeEpoch(loader: TrainLoader): AsyncIterable<TrainBatch> {
  const state = loader.state?.();
  return loader.epoch?.(state?.epoch === 0 && state.position > 0 ? 1 : 0) ?? loader;
}

/** {@link evaluate} for a step that is there already. */
export async function evaluateStep(
  step: LayersStep,
  { name, loader, watch, clock, signal }: Evaluation,
): Promise<ValidationReport> {
  const start = clock.now();
  const metrics = new StepMetrics(step.parts.backend.tf, undefined, name);
  const pass = new BatchPass(wholeEpoch(loader));
  let sums = NO_METRICS;
  let count = 0;
  try {
    for (;;) {
      const turn = watch.between();
      if (turn !== undefined) await turn;
      const next = await pass.next(watch, count);
      if (next === undefined) break;
      const { batch } = next;
      metrics.add(
        count,
        batch.size,
        batch.indices,
        runStep(() => step.evaluate(batch), count, signal),
      );
      if (++count % READ_EVERY === 0) sums = addMetrics(sums, await watch.wait(metrics.flush(), "fence", count));
    }
    sums = addMetrics(sums, await watch.wait(metrics.flush(), "fence", count));
  } finally {
    metrics.dispose();
    await pass.close();
  }
  const { samples, lossSum, correct = 0 } = sums;
  if (samples === 0) throw new OptionError({ option: "validation", problem: "yields no batch" });
  return { samples, loss: lossSum / samples, accuracy: correct / samples, wallMs: clock.now() - start };
}

function runStep<T>(run: () => T, step: number, signal: AbortSignal | undefined): T {
  try {
    return run();
  } catch (error) {
    throw stepError(error, step, signal);
  }
}
