import type { Statistics } from "@millrace/formats";
import type { LoaderState } from "@millrace/loader";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { Backend } from "../backends/backend.js";
import type { Checkpoint } from "../checkpoint/checkpoint.js";
import type { Clock } from "../clock.js";
import type { OptimizerName } from "../optimizers/optimizer.js";
import type { Fact } from "../report/report.js";
import type { StepContext } from "../step-context.js";
import type { StallReport } from "../step-recorder.js";
import type { SpanLog } from "../trace/span-log.js";
import type { HostTensor } from "../upload/host-tensor.js";
import type { MetricName } from "./best-epoch.js";
import type { LossName } from "./loss.js";
import type { SampleKeys } from "./sample-keys.js";
import type { TrainObserver, TrainProgress } from "./progress.js";
import type { ScheduleName } from "./schedule.js";
import type { WeightRule } from "./weight-rule.js";

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

/**
 * When and where checkpoints are written. Without `everySteps` and `everyEpochs`: after every epoch. Besides, one is
 * written when the signal aborts or the run fails between two updates, and `best.safetensors` is that of the best epoch.
 */
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
  /** Run through after epochs, with dropout off and batch norm at its averages. */
  readonly validation?: TrainLoader | undefined;
  /** Validation comes after so many epochs, and after the last one. Default 1. */
  readonly validateEvery?: number | undefined;
  /**
   * What decides which epoch is the best, of which the folder of checkpoints keeps `best.safetensors`. Default
   * `validationLoss`, or `loss` without a validation loader.
   */
  readonly metric?: MetricName | undefined;
  /** An epoch is better if its metric is better by more than this. Default 0. */
  readonly minDelta?: number | undefined;
  /** Ends the run when the metric, measured so many times in a row, got no better. Default: never. */
  readonly earlyStop?: number | undefined;
  /** With `earlyStop`: the model has the weights of the best epoch at the end. Default true. */
  readonly restoreBest?: boolean | undefined;
  /**
   * A model that maps float32 `[batch, height, width, channels]` to logits or, if its last layer is a softmax, to
   * probabilities, `[batch, classes]`; or a step of the user's. Stays the caller's.
   */
  readonly model: LayersModel | TrainStep;
  /** The open backend that the model lives on. */
  readonly backend: Backend;
  /** Passes over the loader. The first one begins where the loader stands; a resumed run counts those before. */
  readonly epochs: number;
  /** Default `adam`. */
  readonly optimizer?: OptimizerName | undefined;
  /** Default 0.001. */
  readonly learningRate?: number | undefined;
  /** Of `sgd`. Default 0. */
  readonly momentum?: number | undefined;
  /**
   * Of `sgd` (a part of the gradient) and `adamw` (decoupled). Only weights whose name ends in `kernel` decay, so no
   * biases, and no scales and shifts of batch norm. Default 0.01 for `adamw`, as in PyTorch, and 0 for `sgd`.
   */
  readonly weightDecay?: number | undefined;
  /** The highest norm of all gradients together; longer ones are scaled down. Default: none. */
  readonly clipNorm?: number | undefined;
  /** What is minimised. Default `crossEntropy`. Validation measures the same. */
  readonly loss?: LossName | undefined;
  /** Of `crossEntropy`: the share of the target that all classes get in equal parts, 0 to less than 1. Default 0. */
  readonly labelSmoothing?: number | undefined;
  /** Of `focal`: how much less samples count that are easy. Default 2. */
  readonly focalGamma?: number | undefined;
  /** Of `focal`: the weight of all classes, or one for each. Default 1. */
  readonly focalAlpha?: number | readonly number[] | undefined;
  /**
   * Decay of a moving average of the weights, 0.999 for example: validation, `best.safetensors` and the model at the end
   * have the averages. It begins as the weights, and early updates decay faster (`(1 + n) / (10 + n)`), so there is no
   * correction of a bias. Default: none.
   */
  readonly ema?: number | undefined;
  /** What weights have to keep to beside their gradients, for a pruned or quantised model. Default: nothing. */
  readonly weightRule?: WeightRule | undefined;
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
  /**
   * From `readCheckpoint`; open the loader with its `loaderState`. If all epochs are done already, or the run has stopped
   * early, the model gets the weights that it had at the end, and nothing is trained.
   */
  readonly resume?: Checkpoint | undefined;
  /**
   * Names samples of `loader` by what they were made from, for messages: `sampleKeys(dataset.split("train"))`. Without it
   * they have numbers.
   */
  readonly sampleKeys?: SampleKeys | undefined;
  /** Told at the start and after every fence, validation, epoch and checkpoint. Its time counts as `other`. */
  readonly onProgress?: ((progress: TrainProgress) => void) | undefined;
  /** Told the same as `onProgress`, after it, and closed at the end. */
  readonly observers?: readonly TrainObserver[] | undefined;
  /** How long a batch, a step or a fence may take, in ms. Default 300,000. */
  readonly deadlineMs?: number | undefined;
  /** Lines about the run that the report shows. */
  readonly facts?: readonly Fact[] | undefined;
  readonly clock?: Clock | undefined;
  /** Gets the spans of all steps, for {@link reportToTrace}. */
  readonly spans?: SpanLog | undefined;
  readonly signal?: AbortSignal | undefined;
}
