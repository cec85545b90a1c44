import type { Statistics } from "@millrace/formats";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { Backend } from "../backends/backend.js";
import { updateRule } from "../optimizers/optimizer.js";
import type { StepContext } from "../step-context.js";
import { LayersStep } from "./layers-step.js";
import { LayersTrainer } from "./layers-trainer.js";
import { CROSS_ENTROPY } from "./loss.js";
import type { TrainBatch } from "./train-options.js";
import { checkLearningRate } from "./train-settings.js";

/** What a {@link ModelStep} trains. */
export interface ModelStepOptions {
  /** See {@link TrainOptions.model}; its weights change. */
  readonly model: LayersModel;
  readonly backend: Backend;
  /** See {@link TrainOptions.statistics}; here there is no loader, so without them pixels become 0 to 1. */
  readonly statistics?: Statistics | undefined;
  /** Default 0.001, with Adam. */
  readonly learningRate?: number | undefined;
  /** Default `image`. */
  readonly imageField?: string | undefined;
  /** Default `label`. */
  readonly labelField?: string | undefined;
}

/** The training step of a model as a step function for {@link profile}. */
export interface ModelStep extends Disposable {
  /** One update of the weights; the upload counts as copy. */
  readonly step: (batch: TrainBatch, context: StepContext) => void;
}

/**
 * Makes the training step of a model, to be profiled as {@link train} would run it. Dispose it at the end; the model
 * stays the caller's.
 * @throws {@link OptionError} if the model is not one that maps images to one output for each class, or the
 * learning rate is no number above 0.
 */
export function createModelStep(options: ModelStepOptions): ModelStep {
  const { model, backend, statistics, imageField = "image", labelField = "label" } = options;
  const learningRate = checkLearningRate(options.learningRate ?? 0.001);
  const layers = new LayersStep({ model, backend, statistics, imageField, labelField, loss: CROSS_ENTROPY });
  const trainer = new LayersTrainer(layers, { rule: updateRule("adam", 0), seed: 0, weightDecay: 0 });
  // A profile counts its warm-up from below zero; updates are counted from 0.
  let updates = 0;
  return {
    step(batch, { copy }) {
      const { loss, correct, finiteProbe } = trainer.run(batch, { copy, step: updates++, epoch: 0, learningRate });
      loss.dispose();
      correct.dispose();
      finiteProbe.dispose();
    },
    [Symbol.dispose]: () => trainer.dispose(),
  };
}
