import { BackendError } from "@millrace/formats";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { TensorFlow } from "../backends/backend.js";
import { describeSamples, type SampleKeys } from "./sample-keys.js";
import type { TrainStepResult } from "./train-options.js";

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
  readonly result: TrainStepResult;
}

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

  /** @param keys - Names the samples in errors. */
  constructor(
    readonly tf: TensorFlow,
    readonly keys?: SampleKeys,
  ) {}

  /** Adds a step; its tensors are this object's from now on. */
  add(step: number, size: number, indices: Uint32Array | undefined, result: TrainStepResult): void {
    this.#pending.push({ step, size, indices: indices?.slice(), result });
  }

  /**
   * Reads what was added since the last time, and disposes its tensors.
   * @param isFailing - After an error of the backend: reads number by number, which needs no operation.
   * @throws {@link BackendError} if a loss is not a finite number, naming the step and its samples.
   */
  async flush(isFailing = false): Promise<MetricSums> {
    const pending = this.#pending;
    this.#pending = [];
    const read = isFailing ? readEach : readScalars;
    try {
      const losses = await read(
        this.tf,
        pending.map(({ result }) => result.loss),
      );
      const bad = losses.findIndex((loss) => !Number.isFinite(loss));
      if (bad !== -1) throw await this.#notFinite(pending[bad] as Pending, losses[bad] as number);
      const counted = pending.flatMap(({ result }) => (result.correct === undefined ? [] : [result.correct]));
      const corrects = await read(this.tf, counted);
      return {
        samples: pending.reduce((sum, { size }) => sum + size, 0),
        lossSum: pending.reduce((sum, { size }, index) => sum + size * (losses[index] as number), 0),
        correct: counted.length < pending.length ? undefined : corrects.reduce((sum, correct) => sum + correct, 0),
      };
    } finally {
      dispose(pending);
    }
  }

  async #notFinite({ step, indices }: Pending, loss: number): Promise<BackendError> {
    const samples = indices === undefined ? "" : `, in the batch of ${await describeSamples(indices, this.keys)}`;
    return new BackendError({
      problem: `the loss of step ${step} is ${loss}${samples}`,
      reason: "LOSS_NOT_FINITE",
      expected: "a finite number",
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
    for (const value of [result.loss, result.correct]) if (typeof value === "object") value.dispose();
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
