import type { TensorFlow } from "@millrace/train";
import type { Tensor } from "@tensorflow/tfjs-core";
import { numbers } from "../backends/on-backend.js";

/** What a case computes: results or gradients, to compare between backends. */
export type Case = (bench: Bench) => readonly Tensor[];
/** Cases by their titles. */
export type Cases = ReadonlyMap<string, Case>;
/** Height and width. */
export type Size = [number, number];

/** Computes with one backend. */
export class Bench {
  constructor(readonly tf: TensorFlow) {}

  /** Reproducible numbers between -1 and 1, with a shift. */
  make(shape: number[], seed: number, shift = 0): Tensor {
    return this.tf.tensor(numbers(this.tf.util.sizeFromShape(shape), seed, shift), shape);
  }

  /** The gradients of a sum of squares, in which every element counts with a weight of its own. */
  gradients(inputs: Tensor[], forward: (...inputs: Tensor[]) => Tensor): Tensor[] {
    const { tf } = this;
    return tf.grads((...tensors) => {
      const result = forward(...tensors);
      return tf.sum(tf.mul(tf.square(tf.add(result, 0.1)), this.make(result.shape, 99)));
    })(inputs);
  }
}
