import type { TrainReport } from "./report/report.js";
import { updateRule } from "./optimizers/optimizer.js";
import { StepWatch } from "./step-watch.js";
import { LayersStep } from "./training/layers-step.js";
import { LayersTrainer } from "./training/layers-trainer.js";
import type { RunStep } from "./training/step-metrics.js";
import { statisticsOf, type TrainOptions } from "./training/train-options.js";
import { DEADLINE_MS, TrainRun } from "./training/train-run.js";
import { resolveTrainOptions, type TrainSettings } from "./training/train-settings.js";

/**
 * Trains a model on the batches of a loader, and says where the time went. Every step is one update; the device is
 * waited for every `fenceEvery` steps, at the end of an epoch and before a checkpoint. With the option `checkpoint`, a
 * run that ends early for whatever reason, but that its numbers are no longer finite, first saves all finished steps.
 *
 * ```ts
 * const report = await train({ loader, validation, model, backend, epochs: 5 });
 * ```
 * Memory: the model stays the caller's; every other tensor is gone when the promise settles.
 * @throws {@link OptionError} if an option is impossible or does not fit the batches, {@link SampleError} for a label
 * out of range, {@link StateError} for a checkpoint that does not fit or a `checkpoint.dir` of another run, {@link BackendError} if a step throws, takes
 * longer than `deadlineMs`, or runs out of memory, or leaves a loss or a weight that is not finite (with the batch's samples), {@link WorkerError} if
 * a batch takes longer; an error of the loader as it is; the signal's reason when it aborts.
 */
export async function train(options: TrainOptions): Promise<TrainReport> {
  const { observers = [] } = options;
  const settings = resolveTrainOptions(options);
  using watch = new StepWatch(options.deadlineMs ?? DEADLINE_MS, options.signal);
  using run = new TrainRun(options, settings, watch, ...stepOf(options, settings));
  let report: TrainReport;
  try {
    report = await run.run();
  } catch (error) {
    // What ended the run says more than what its observers say about their end.
    await Promise.allSettled(observers.map(async (observer) => await observer.close?.()));
    throw error;
  }
  for (const observer of observers) await observer.close?.();
  return report;
}

function stepOf(options: TrainOptions, settings: TrainSettings): [step: RunStep, layers: LayersTrainer | undefined] {
  const { model, backend, loader, statistics = statisticsOf(loader, settings.imageField) } = options;
  if (typeof model === "function") return [model, undefined];
  const layers = new LayersTrainer(new LayersStep({ ...settings, model, backend, statistics }), {
    ...settings,
    rule: updateRule(settings.optimizer, settings.momentum),
    weightRule: options.weightRule,
  });
  return [(batch, context) => layers.run(batch, context), layers];
}
