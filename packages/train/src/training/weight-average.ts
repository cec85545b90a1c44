import type { Tensor } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { TensorFlow } from "../backends/backend.js";

/**
 * An exponential moving average of all weights of a model, the averages of batch norm included (Polyak and Juditsky,
 * 1992). It begins as the weights themselves, so it needs no correction of a bias; for the first updates the decay is
 * `(1 + updates) / (10 + updates)` where that is smaller, as in TensorFlow's `ExponentialMovingAverage`, so that the
 * initial weights are soon forgotten. Dispose it at the end.
 */
export class WeightAverage {
  #averages: Tensor[];

  constructor(
    readonly tf: TensorFlow,
    readonly model: LayersModel,
    readonly decay: number,
  ) {
    this.#averages = model.weights.map((weight) => tf.keep(tf.clone(weight.read())));
  }

  /** Takes the weights after an update in; `updates` were done before it. Inside `tf.tidy`. */
  update(updates: number): void {
    const { tf } = this;
    const rest = 1 - Math.min(this.decay, (1 + updates) / (10 + updates));
    const before = this.#averages;
    this.#averages = this.model.weights.map((weight, index) => {
      const average = before[index] as Tensor;
      return tf.keep(tf.add(average, tf.mul(tf.sub(weight.read(), average), rest)));
    });
    for (const average of before) average.dispose();
  }

  /** Exchanges the model's weights and the averages; twice changes nothing. No number is copied. */
  swap(): void {
    const { tf } = this;
    for (const [index, weight] of this.model.weights.entries()) {
      const average = this.#averages[index] as Tensor;
      this.#averages[index] = tf.keep(tf.clone(weight.read()));
      weight.write(average);
      average.dispose();
    }
  }

  /** The averages, in the order of the model's weights; they stay this object's. */
  tensors(): readonly Tensor[] {
    return this.#averages;
  }

  /** Replaces the averages; `values` are this object's from now on. */
  restore(values: readonly Tensor[]): void {
    this.dispose();
    this.#averages = values.map((value) => this.tf.keep(value));
  }

  dispose(): void {
    for (const average of this.#averages) average.dispose();
  }
}
