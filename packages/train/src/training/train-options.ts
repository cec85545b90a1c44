import { OptionError, type Statistics } from "@millrace/formats";
import type { LoaderState } from "@millrace/loader";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { Backend } from "../backends/backend.js";
import type { Checkpoint } from "../checkpoint/checkpoint.js";
import type { Clock } from "../clock.js";
import { OPTIMIZERS, type OptimizerName } from "../optimizers/optimizer.js";
import type { Fact } from "../report/report.js";
import type { StepContext } from "../step-context.js";
import type { StallReport } from "../step-recorder.js";
import type { HostTensor } from "../upload/host-tensor.js";
import type { TrainObserver, TrainProgress } from "./progress.js";
import { SCHEDULES, type ScheduleName } from "./schedule.js";

/** What training needs of a batch; the `Batch` of the loader fits. */
export interface TrainBatch {
  readonly size: number;
  /** Number of the batch in its epoch. */
  readonly step?: number | undefined;
  /** Numbers of the samples, for messages. */
  readonly indices?: Uint32Array | undefined;
  /** Fields by name; valid until the next batch is asked for. */
  readonly fields: Readonly<Record<string, HostTensor>>;
  readonly stall?: StallReport | undefined;
}

/** What training needs of a loader; the `Loader` of millrace fits, and so does an iterable that can be begun again. */
export interface TrainLoader extends AsyncIterable<TrainBatch> {
  /** Batches of an epoch; the schedule `cosine` needs it. */
  readonly length?: number | undefined;
  /** Mean and standard deviation of the images, from the dataset's manifest. */
  readonly statistics?: Statistics | undefined;
  /** The batches of an epoch, from where the loader stands if it is in that epoch. */
  epoch?(epoch: number): AsyncIterable<TrainBatch>;
  /** Where the loader stands; checkpoints need it. */
  state?(): LoaderState;
}

/** The statistics of a loader's images, for a caller who has given none; `undefined` if they are of another field. */
export function statisticsOf(loader: TrainLoader, imageField: string): Statistics | undefined {
  return loader.statistics?.field === imageField ? loader.statistics : undefined;
}

/** What a step function is told. */
export interface TrainStepContext extends StepContext {
  /** From 0. */
  readonly epoch: number;
  /** What the schedule says for this step. */
  readonly learningRate: number;
}

/** What a step function returns. Tensors are scalars; they are train's from then on, which disposes them. */
export interface TrainStepResult {
  /** Mean over the batch. */
  readonly loss: number | Tensor;
  /** Samples of the batch that were classified right. */
  readonly correct?: number | Tensor | undefined;
}

/** One update by code of the user's. All its time counts as compute, but for what it runs in `context.copy`. */
export type TrainStep = (
  batch: TrainBatch,
  context: TrainStepContext,
) => TrainStepResult | PromiseLike<TrainStepResult>;

/** When and where checkpoints are written. Without `everySteps` and `everyEpochs`: after every epoch. */
export interface CheckpointOptions {
  /** Folder; made if it is missing. Without `resume` it must not hold checkpoints. */
  readonly dir: string;
  readonly everySteps?: number | undefined;
  readonly everyEpochs?: number | undefined;
  /** The newest checkpoints that stay. Default 3. */
  readonly keep?: number | undefined;
}

/** How to train. */
export interface TrainOptions {
  readonly loader: TrainLoader;
  /** Run through once after every epoch, with dropout off and batch norm at its averages. */
  readonly validation?: TrainLoader | undefined;
  /**
   * A model that maps float32 `[batch, height, width, channels]` to logits or, if its last layer is a softmax, to
   * probabilities, `[batch, classes]`; or a step of the user's. Stays the caller's.
   */
  readonly model: LayersModel | TrainStep;
  /** The open backend that the model lives on. */
  readonly backend: Backend;
  readonly epochs: number;
  /** Default `adam`. */
  readonly optimizer?: OptimizerName | undefined;
  /** Default 0.001. */
  readonly learningRate?: number | undefined;
  /** Of `sgd`. Default 0. */
  readonly momentum?: number | undefined;
  /** Default `cosine`. */
  readonly schedule?: ScheduleName | undefined;
  /** Steps in which the learning rate grows to its full value. Default 0. */
  readonly warmupSteps?: number | undefined;
  /** Seed of what is random in a step: the masks of dropout depend on it and on the step alone. Default 0. */
  readonly seed?: number | undefined;
  /** The device is waited for after so many steps, and losses are read. Default 16. */
  readonly fenceEvery?: number | undefined;
  /**
   * Mean and standard deviation that `uint8` pixels are normalised with on their way to the device. Default: the
   * loader's, if they are of `imageField`; without any, pixels become 0 to 1. Batches of `float32` are taken as they are.
   */
  readonly statistics?: Statistics | undefined;
  /** Default `image`. */
  readonly imageField?: string | undefined;
  /** Default `label`. */
  readonly labelField?: string | undefined;
  readonly checkpoint?: CheckpointOptions | undefined;
  /** From `readCheckpoint`; open the loader with its `loaderState`. */
  readonly resume?: Checkpoint | undefined;
  /** Told at the start and after every fence, validation, epoch and checkpoint. Its time counts as `other`. */
  readonly onProgress?: ((progress: TrainProgress) => void) | undefined;
  /** Told the same as `onProgress`, after it, and closed at the end. */
  readonly observers?: readonly TrainObserver[] | undefined;
  /** How long a batch, a step or a fence may take, in ms. Default 300,000. */
  readonly deadlineMs?: number | undefined;
  /** Lines about the run that the report shows. */
  readonly facts?: readonly Fact[] | undefined;
  readonly clock?: Clock | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The options of a run that have a default, with nothing left open. */
export interface TrainSettings {
  readonly epochs: number;
  readonly optimizer: OptimizerName;
  readonly learningRate: number;
  readonly momentum: number;
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

/**
 * Checks the options of a run and fills in the defaults.
 * @throws {@link OptionError} naming the option, what is expected and what was found.
 */
export function resolveTrainOptions(options: TrainOptions): TrainSettings {
  const { optimizer = "adam", schedule = "cosine", learningRate = 0.001, momentum = 0, checkpoint } = options;
  if (!OPTIMIZERS.includes(optimizer)) throw impossible("optimizer", OPTIMIZERS.join(" | "), optimizer);
  if (!SCHEDULES.includes(schedule)) throw impossible("schedule", SCHEDULES.join(" | "), schedule);
  if (!(momentum >= 0 && momentum < 1)) throw impossible("momentum", "0 to less than 1", momentum);
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
    optimizer,
    learningRate: checkLearningRate(learningRate),
    momentum: optimizer === "sgd" ? momentum : 0,
    schedule,
    warmupSteps: whole("warmupSteps", options.warmupSteps ?? 0, 0),
    seed: whole("seed", options.seed ?? 0, 0),
    fenceEvery: whole("fenceEvery", options.fenceEvery ?? 16, 1),
    imageField: options.imageField ?? "image",
    labelField: options.labelField ?? "label",
  };
}

/** Only a model has weights that can be read, and outputs without an update. */
function checkStepFunction(options: TrainOptions): void {
  if (typeof options.model !== "function") return;
  for (const option of ["validation", "checkpoint", "resume"] as const) {
    if (options[option] === undefined) continue;
    throw new OptionError({
      option,
      problem: "does not go with a step function, whose weights train does not know",
      fix: "give a tf.LayersModel as model",
    });
  }
}
