import {
  add,
  concat,
  gather,
  keep,
  mul,
  type Rank,
  reshape,
  slice,
  sub,
  tensor1d,
  type Tensor,
  type Tensor1D,
  unsortedSegmentSum,
  zeros,
} from "@tensorflow/tfjs-core";
import type { WeightRule } from "../../training/weight-rule.js";
import type { QuantizedModel } from "./quantized-tensor.js";
import { sharedValues, type SharedValues } from "./shared-values.js";

/** A rule that keeps tensors on the device until it is disposed. */
export interface CentroidRule extends WeightRule, Disposable {}

/**
 * Fine-tunes the centroids of codebooks: the gradient of a centroid is the sum of the gradients of its weights (Han, Mao
 * and Dally, "Deep Compression", 2016, section 3.3), so weights that share a value go on sharing it, and zeros stay zero.
 * Weights of other kinds train freely. Train the model that {@link dequantizeModel} gave, then take the new centroids with
 * {@link refitCentroids}.
 */
export function centroidRule(quantized: QuantizedModel): CentroidRule {
  const shares = new Map<string, Shares>();
  for (const tensor of quantized.weights)
    if (tensor.kind === "codebook" || tensor.kind === "product")
      shares.set(tensor.name, new Shares(sharedValues(tensor)));
  return {
    gradient: (name, gradient) => shares.get(name)?.sum(gradient) ?? gradient,
    project: (name, weight) => shares.get(name)?.even(weight) ?? weight,
    [Symbol.dispose]: () => {
      for (const share of shares.values()) share.dispose();
    },
  };
}

/** Which weights of a tensor share a value, on the device from the first use on. Its functions run inside `tf.tidy`. */
class Shares {
  readonly #values: SharedValues;
  #slots: Tensor1D | undefined;
  #first: Tensor1D | undefined;
  #shares: Tensor1D | undefined;

  constructor(values: SharedValues) {
    this.#values = values;
  }

  /** Each weight gets the sum over those that share its value. */
  sum(gradient: Tensor): Tensor {
    return this.#spread(this.#sums(gradient), gradient.shape);
  }

  /** Each weight gets the mean of those that share its value: what they have, unless rounding told them apart. */
  even(weight: Tensor): Tensor {
    const { slots, first, shares } = this.#tensors();
    const flat = reshape<Rank.R1>(weight, [slots.size]);
    // Numbers that are equal have themselves as their mean this way, which a rounded sum would not give.
    const chosen = gather(flat, first);
    const rest = this.#sums(sub(flat, gather(this.#withZero(chosen), slots)));
    return this.#spread(add(chosen, mul(rest, shares)), weight.shape);
  }

  #sums(tensor: Tensor): Tensor1D {
    const { slots } = this.#tensors();
    const { count } = this.#values;
    return slice(unsortedSegmentSum(reshape<Rank.R1>(tensor, [slots.size]), slots, count + 1), 0, count);
  }

  #spread(values: Tensor1D, shape: number[]): Tensor {
    return reshape(gather(this.#withZero(values), this.#tensors().slots), shape);
  }

  #withZero(values: Tensor1D): Tensor1D {
    return concat([values, zeros<Rank.R1>([1])]);
  }

  #tensors(): { slots: Tensor1D; first: Tensor1D; shares: Tensor1D } {
    const { slots, count } = this.#values;
    this.#slots ??= keep(tensor1d(slots, "int32"));
    this.#first ??= keep(tensor1d(firstOfEach(this.#values), "int32"));
    if (this.#shares === undefined) {
      const weights = new Float32Array(count + 1);
      for (const slot of slots) weights[slot] = (weights[slot] as number) + 1;
      this.#shares = keep(tensor1d(weights.subarray(0, count).map((number) => (number === 0 ? 0 : 1 / number))));
    }
    return { slots: this.#slots, first: this.#first, shares: this.#shares };
  }

  dispose(): void {
    for (const tensor of [this.#slots, this.#first, this.#shares]) tensor?.dispose();
    this.#slots = this.#first = this.#shares = undefined;
  }
}

/** The index of the first weight that has each value; 0 for one that no weight has. */
function firstOfEach({ count, slots }: SharedValues): Int32Array {
  const first = new Int32Array(count);
  for (let i = slots.length - 1; i >= 0; i--) {
    const slot = slots[i] as number;
    if (slot < count) first[slot] = i;
  }
  return first;
}
