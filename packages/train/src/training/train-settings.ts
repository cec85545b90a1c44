import { OptionError } from "@millrace/formats";
import { OPTIMIZERS, type OptimizerName } from "../optimizers/optimizer.js";
import { METRICS, type MetricName } from "./best-epoch.js";
import { LOSSES, type Loss } from "./loss.js";
import { SCHEDULES, type ScheduleName } from "./schedule.js";
import type { TrainOptions } from "./train-options.js";

/** The options of a run that have a default, with nothing left open. */
export interface TrainSettings {
  readonly epochs: number;
  readonly optimizer: OptimizerName;
  readonly learningRate: number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly clipNorm: number | undefined;
  readonly loss: Loss;
  readonly ema: number | undefined;
  readonly validateEvery: number;
  readonly metric: MetricName;
  readonly minDelta: number;
  readonly earlyStop: number | undefined;
  readonly restoreBest: boolean;
  readonly schedule: ScheduleName;
  readonly warmupSteps: number;
  readonly seed: number;
  readonly fenceEvery: number;
  readonly imageField: string;
  readonly labelField: string;
}

function whole(option: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw impossible(option, `a whole number from ${least}`, value);
}

function impossible(option: string, expected: string, found: unknown): OptionError {
  return new OptionError({ option, problem: "is impossible", expected, found: String(found) });
}

/**
 * Returns the learning rate.
 * @throws {@link OptionError} if it is not a finite number above 0.
 */
export function checkLearningRate(learningRate: number): number {
  if (learningRate > 0 && learningRate < Infinity) return learningRate;
  throw impossible("learningRate", "a number above 0", learningRate);
}

function oneOf<T extends string>(option: string, names: readonly T[], value: T): T {
  if (names.includes(value)) return value;
  throw impossible(option, names.join(" | "), value);
}

/** A number from `least` up, and below `end`. */
function within(option: string, value: number, least: number, end: number): number {
  if (value >= least && value < end) return value;
  throw impossible(option, end === Infinity ? `a number from ${least} up` : `${least} to less than ${end}`, value);
}

function positive(option: string, value: number | undefined, end = Infinity): number | undefined {
  if (value === undefined || (value > 0 && value < end)) return value;
  throw impossible(option, end === Infinity ? "a number above 0" : `a number above 0 and below ${end}`, value);
}

/** An option that another one's value makes meaningless. */
function useless(option: string, problem: string, fix: string): OptionError {
  return new OptionError({ option, problem, fix });
}

/**
 * Checks the options of a run and fills in the defaults.
 * @throws {@link OptionError} naming the option, what is expected and what was found.
 */
export function resolveTrainOptions(options: TrainOptions): TrainSettings {
  const { learningRate = 0.001, checkpoint } = options;
  const schedule = oneOf("schedule", SCHEDULES, options.schedule ?? "cosine");
  if (schedule === "cosine" && options.loader.length === undefined) {
    throw new OptionError({
      option: "schedule",
      problem: "cosine needs the number of steps, and the loader has no length",
      fix: 'give the loader a length, or take schedule "constant"',
    });
  }
  whole("checkpoint.everySteps", checkpoint?.everySteps ?? 1, 1);
  whole("checkpoint.everyEpochs", checkpoint?.everyEpochs ?? 1, 1);
  whole("checkpoint.keep", checkpoint?.keep ?? 1, 1);
  checkStepFunction(options);
  return {
    epochs: whole("epochs", options.epochs, 1),
    ...resolveUpdate(options),
    loss: resolveLoss(options),
    ...resolveBest(options),
    learningRate: checkLearningRate(learningRate),
    schedule,
    warmupSteps: whole("warmupSteps", options.warmupSteps ?? 0, 0),
    seed: whole("seed", options.seed ?? 0, 0),
    fenceEvery: whole("fenceEvery", options.fenceEvery ?? 16, 1),
    imageField: options.imageField ?? "image",
    labelField: options.labelField ?? "label",
  };
}

function resolveUpdate(
  options: TrainOptions,
): Pick<TrainSettings, "optimizer" | "momentum" | "weightDecay" | "clipNorm" | "ema"> {
  const optimizer = oneOf("optimizer", OPTIMIZERS, options.optimizer ?? "adam");
  const weightDecay = options.weightDecay ?? (optimizer === "adamw" ? 0.01 : 0);
  if (optimizer === "adam" && weightDecay !== 0)
    throw useless("weightDecay", "does not go with the optimizer adam", "take the optimizer adamw");
  const momentum = within("momentum", options.momentum ?? 0, 0, 1);
  return {
    optimizer,
    momentum: optimizer === "sgd" ? momentum : 0,
    weightDecay: within("weightDecay", weightDecay, 0, Infinity),
    clipNorm: positive("clipNorm", options.clipNorm),
    ema: positive("ema", options.ema, 1),
  };
}

function resolveLoss({ loss, labelSmoothing, focalGamma, focalAlpha }: TrainOptions): Loss {
  const name = oneOf("loss", LOSSES, loss ?? "crossEntropy");
  if (name === "focal") {
    if (labelSmoothing !== undefined && labelSmoothing !== 0)
      throw useless("labelSmoothing", "does not go with the loss focal", "take the loss crossEntropy");
    const alpha = focalAlpha ?? 1;
    for (const value of typeof alpha === "number" ? [alpha] : alpha) within("focalAlpha", value, 0, Infinity);
    return { name, focalGamma: within("focalGamma", focalGamma ?? 2, 0, Infinity), focalAlpha: alpha };
  }
  for (const [option, value] of Object.entries({ focalGamma, focalAlpha }))
    if (value !== undefined) throw useless(option, "does not go with the loss crossEntropy", "take the loss focal");
  return { name, labelSmoothing: within("labelSmoothing", labelSmoothing ?? 0, 0, 1) };
}

function resolveBest(
  options: TrainOptions,
): Pick<TrainSettings, "validateEvery" | "metric" | "minDelta" | "earlyStop" | "restoreBest"> {
  const { validation, earlyStop, restoreBest = true } = options;
  const metric = oneOf("metric", METRICS, options.metric ?? (validation === undefined ? "loss" : "validationLoss"));
  if (validation === undefined && metric.startsWith("validation"))
    throw useless(
      "metric",
      `${metric} needs the option validation`,
      "give a validation loader, or take loss or accuracy",
    );
  return {
    validateEvery: whole("validateEvery", options.validateEvery ?? 1, 1),
    metric,
    minDelta: within("minDelta", options.minDelta ?? 0, 0, Infinity),
    earlyStop: earlyStop === undefined ? undefined : whole("earlyStop", earlyStop, 1),
    restoreBest: earlyStop !== undefined && restoreBest,
  };
}

/** What only a model has: weights that can be read, an update and a loss of ours, outputs without an update. */
const OF_MODELS = [
  "validation",
  "checkpoint",
  "resume",
  "optimizer",
  "momentum",
  "weightDecay",
  "clipNorm",
  "loss",
  "labelSmoothing",
  "focalGamma",
  "focalAlpha",
  "ema",
  "weightRule",
] as const satisfies readonly (keyof TrainOptions)[];

function checkStepFunction(options: TrainOptions): void {
  if (typeof options.model !== "function") return;
  for (const option of OF_MODELS) {
    if (options[option] === undefined) continue;
    throw useless(
      option,
      "does not go with a step function, whose weights train does not know",
      "give a tf.LayersModel as model",
    );
  }
}
