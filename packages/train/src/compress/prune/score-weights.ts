import { OptionError } from "@millrace/formats";
import type { Tensor, Variable } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { BatchPass } from "../../batch-pass.js";
import { stepError } from "../../step-error.js";
import { StepWatch } from "../../step-watch.js";
import { seedDropout } from "../../training/dropout-seeds.js";
import type { EvaluateOptions } from "../../training/evaluate.js";
import { LayersStep } from "../../training/layers-step.js";
import { CROSS_ENTROPY } from "../../training/loss.js";
import { statisticsOf, type TrainBatch, type TrainLoader } from "../../training/train-options.js";

/** The ways to score weights by their gradients. */
export const SCORE_METHODS = ["snip", "taylor"] as const;

/** How to score weights. */
export interface ScoreOptions extends Pick<
  EvaluateOptions,
  "backend" | "statistics" | "imageField" | "labelField" | "deadlineMs" | "signal"
> {
  /**
   * `snip`: `|weight * gradient|`, with the gradient over all the batches, to prune a model before it is trained (Lee et
   * al., "SNIP", 2019); `taylor`: the mean over batches of `(weight * gradient)^2`, for a trained one (Molchanov et al.,
   * "Importance Estimation for Neural Network Pruning", 2019, equation 8).
   */
  readonly method: (typeof SCORE_METHODS)[number];
  /** The samples: the next `maxBatches` of epoch 0, where the loader then stands. Give one of its own, not that of training. */
  readonly loader: TrainLoader;
  /** Default 16. */
  readonly maxBatches?: number | undefined;
  /** Seed of dropout. Default 0. */
  readonly seed?: number | undefined;
}

/**
 * Scores every trainable weight of a model by the gradients of its cross-entropy, with dropout on as in training, for {@link maskWeights} and
 * {@link pruneFilters}. The model is not changed.
 * @returns scores of 0 and up, one for each number of a weight, by the weight's `originalName`.
 * @throws {@link OptionError} if the model does not fit the batches, or there are none; the signal's reason when it
 * aborts.
 */
export async function scoreWeights(model: LayersModel, options: ScoreOptions): Promise<Map<string, Float32Array>> {
  using watch = new StepWatch(options.deadlineMs ?? 300_000, options.signal);
  const { method, backend, loader, imageField = "image", labelField = "label" } = options;
  if (!SCORE_METHODS.includes(method))
    throw new OptionError({
      option: "method",
      problem: "there is no such method",
      expected: SCORE_METHODS.join(" | "),
      found: method,
    });
  const statistics = options.statistics ?? statisticsOf(loader, imageField);
  const step = new LayersStep({ model, backend, statistics, imageField, labelField, loss: CROSS_ENTROPY });
  const scorer = new Scorer(step, method, options.seed ?? 0);
  const pass = new BatchPass(loader.epoch?.(0) ?? loader);
  try {
    for (let count = 0; count < (options.maxBatches ?? 16); count++) {
      const turn = watch.between();
      if (turn !== undefined) await turn;
      const next = await pass.next(watch, count);
      if (next === undefined) break;
      try {
        scorer.add(next.batch, count);
      } catch (error) {
        throw stepError(error, count, options.signal);
      }
    }
    return await scorer.read();
  } finally {
    scorer.dispose();
    await pass.close();
  }
}

function runNow<T>(run: () => T): T {
  return run();
}

/** Sums over batches, kept on the device until `dispose`. */
class Scorer {
  readonly #variables: Variable[];
  #sums: Tensor[] = [];
  #count = 0;

  constructor(
    readonly step: LayersStep,
    readonly method: ScoreOptions["method"],
    readonly seed: number,
  ) {
    this.#variables = step.parts.model.trainableWeights.map((weight) => weight.read() as Variable);
  }

  add(batch: TrainBatch, number: number): void {
    const { model, backend } = this.step.parts;
    const { tf } = backend;
    seedDropout(model, this.seed, number);
    // A forward pass moves the averages of batch norm. A clone shares the memory.
    const before = model.nonTrainableWeights.map((weight) => ({ weight, value: tf.keep(tf.clone(weight.read())) }));
    try {
      const after = tf.tidy(() => {
        const [images, labels] = this.step.uploadAs({ copy: runNow, step: number, epoch: 0, learningRate: 0 }, batch);
        const { grads } = tf.variableGrads(() => this.step.forward(images, labels).loss, this.#variables);
        return this.#variables.map((variable, index) => {
          const gradient = grads[variable.name] ?? tf.zerosLike(variable);
          const score = this.method === "snip" ? gradient : tf.square(tf.mul(gradient, variable));
          const sum = this.#sums[index];
          return sum === undefined ? score : tf.add(sum, score);
        });
      });
      for (const sum of this.#sums) sum.dispose();
      this.#sums = after.map((sum) => tf.keep(sum));
      this.#count++;
    } finally {
      for (const { weight, value } of before) {
        weight.write(value);
        value.dispose();
      }
    }
  }

  async read(): Promise<Map<string, Float32Array>> {
    if (this.#count === 0) throw new OptionError({ option: "loader", problem: "yields no batch" });
    const { tf } = this.step.parts.backend;
    const scores = new Map<string, Float32Array>();
    for (const [index, weight] of this.step.parts.model.trainableWeights.entries()) {
      const sum = this.#sums[index] as Tensor;
      const mean = tf.tidy(() => {
        const each = tf.div(sum, this.#count);
        return this.method === "snip" ? tf.abs(tf.mul(each, weight.read())) : each;
      });
      scores.set(weight.originalName, Float32Array.from(await mean.data()));
      mean.dispose();
    }
    return scores;
  }

  dispose(): void {
    for (const sum of this.#sums) sum.dispose();
  }
}
