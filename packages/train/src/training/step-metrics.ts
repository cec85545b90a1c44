import { BackendError } from "@millrace/formats";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { TensorFlow } from "../backends/backend.js";
import { describeSamples, type SampleKeys } from "./sample-keys.js";
import type { TrainBatch, TrainStepContext, TrainStepResult } from "./train-options.js";

/** What a step of a run returns. */
export interface RunStepResult extends TrainStepResult {
  /** A scalar that is not finite if the update has left a weight so; where the step knows its weights. */
  readonly finiteProbe?: Tensor | undefined;
}

/** A step of a run: of the user's, or of {@link LayersTrainer}. */
export type RunStep = (batch: TrainBatch, context: TrainStepContext) => RunStepResult | PromiseLike<RunStepResult>;

/** Loss and accuracy over some samples. */
export interface MetricSums {
  readonly samples: number;
  /** Of the samples' losses. */
  readonly lossSum: number;
  /** `undefined` where it is not counted. */
  readonly correct: number | undefined;
}

/** A step whose results are still on the device. */
interface Pending {
  readonly step: number;
  readonly size: number;
  /** A copy, as the batch's memory is the loader's again by the time it is wanted. */
  readonly indices: Uint32Array | undefined;
  readonly result: RunStepResult;
}

/** A pass without updates: in a run of training, or by itself. */
export type EvaluationName = "validation" | "evaluation";

/** The reason of the error for an evaluation whose numbers are not finite. */
export const EVALUATION_NOT_FINITE = "EVALUATION_NOT_FINITE";

/** Nothing yet. */
export const NO_METRICS: MetricSums = { samples: 0, lossSum: 0, correct: 0 };

/** The sums of two lots of samples. */
export function addMetrics(a: MetricSums, b: MetricSums): MetricSums {
  return {
    samples: a.samples + b.samples,
    lossSum: a.lossSum + b.lossSum,
    correct: a.correct === undefined || b.correct === undefined ? undefined : a.correct + b.correct,
  };
}

/** Collects the losses of steps on the device, so that they are read at fences only. */
export class StepMetrics {
  #pending: Pending[] = [];

  /**
   * @param keys - Names the samples in errors.
   * @param pass - What was added are batches of a pass without updates, and what errors call it.
   */
  constructor(
    readonly tf: TensorFlow,
    readonly keys?: SampleKeys,
    readonly pass?: EvaluationName,
  ) {}

  /** Adds a step; its tensors are this object's from now on. */
  add(step: number, size: number, indices: Uint32Array | undefined, result: RunStepResult): void {
    this.#pending.push({ step, size, indices: indices?.slice(), result });
  }

  /**
   * Reads what was added since the last time, and disposes its tensors.
   * @param isFailing - After an error of the backend: reads number by number, which needs no operation.
   * @throws {@link BackendError} if a loss or a weight is not a finite number, naming the step and its samples.
   */
  async flush(isFailing = false): Promise<MetricSums> {
    const pending = this.#pending;
    this.#pending = [];
    const read = isFailing ? readEach : readScalars;
    try {
      const values = await read(
        this.tf,
        pending.flatMap(({ result }) => [result.loss, result.finiteProbe ?? 0, result.correct ?? Number.NaN]),
      );
      const steps = pending.map(({ size }, index) => {
        const [loss = 0, probe = 0, correct = 0] = values.slice(3 * index, 3 * index + 3);
        return { size, loss, probe, correct };
      });
      const bad = steps.findIndex(({ loss, probe }) => !Number.isFinite(loss) || !Number.isFinite(probe));
      if (bad !== -1) throw await this.#notFinite(pending[bad] as Pending, steps[bad]?.loss as number);
      const isCounted = pending.every(({ result }) => result.correct !== undefined);
      return {
        samples: steps.reduce((sum, { size }) => sum + size, 0),
        lossSum: steps.reduce((sum, { size, loss }) => sum + size * loss, 0),
        correct: isCounted ? steps.reduce((sum, { correct }) => sum + correct, 0) : undefined,
      };
    } finally {
      dispose(pending);
    }
  }

  async #notFinite({ step, indices }: Pending, loss: number): Promise<BackendError> {
    const samples = indices === undefined ? "" : `, in the batch of ${await describeSamples(indices, this.keys)}`;
    const isLoss = !Number.isFinite(loss);
    if (this.pass !== undefined) {
      const what = isLoss ? `loss is ${loss}` : "images are not finite";
      return new BackendError({
        problem: `the ${what} in step ${step} of the ${this.pass}${samples} of its split`,
        reason: EVALUATION_NOT_FINITE,
        expected: isLoss ? "a finite number" : "finite numbers",
        fix: "look for broken values in these samples of the split, or in the weights that the model came with",
      });
    }
    return new BackendError({
      problem: isLoss
        ? `the loss of step ${step} is ${loss}${samples}`
        : `the update of step ${step} has left weights that are not finite${samples}`,
      reason: isLoss ? "LOSS_NOT_FINITE" : "WEIGHT_NOT_FINITE",
      expected: isLoss ? "a finite number" : "finite numbers",
      fix: "lower learningRate, raise warmupSteps or set clipNorm; if it happens at once, look for broken values in these samples",
    });
  }

  /** Frees what was never read. */
  dispose(): void {
    dispose(this.#pending);
    this.#pending = [];
  }
}

function dispose(pending: readonly Pending[]): void {
  for (const { result } of pending)
    for (const value of [result.loss, result.correct, result.finiteProbe])
      if (typeof value === "object") value.dispose();
}

async function readEach(_: TensorFlow, values: readonly (number | Tensor)[]): Promise<number[]> {
  const read: number[] = [];
  for (const value of values) read.push(typeof value === "number" ? value : ((await value.data())[0] as number));
  return read;
}

/** Numbers from the host and the device, with one transfer. */
async function readScalars(tf: TensorFlow, values: readonly (number | Tensor)[]): Promise<number[]> {
  const tensors = values.filter((value) => typeof value === "object");
  if (tensors.length === 0) return values.map(Number);
  const stacked = tf.tidy(() => tf.stack(tensors.map((tensor) => tf.reshape(tensor, []))));
  try {
    const data = await stacked.data();
    let next = 0;
    return values.map((value) => (typeof value === "number" ? value : (data[next++] as number)));
  } finally {
    stacked.dispose();
  }
}
