import type { Tensor } from "@tensorflow/tfjs-core";
import type { TensorFlow } from "../backends/backend.js";
import { adam } from "./adam.js";
import { sgd } from "./sgd.js";

/** The optimizers by name. */
export const OPTIMIZERS = ["sgd", "adam"] as const;
/** The name of an optimizer. */
export type OptimizerName = (typeof OPTIMIZERS)[number];

/** What an optimizer does to one weight. All tensors have the weight's shape, float32. */
export interface UpdateRule {
  /** Names of the tensors that it keeps for each weight; they begin as zeros. */
  readonly slots: readonly string[];
  /**
   * The new weight and the new slots, from those before. Runs inside `tf.tidy`.
   * @param step - Number of the update, from 0; it decides corrections, so a resumed run goes on as if it never stopped.
   */
  update(
    tf: TensorFlow,
    weight: Tensor,
    gradient: Tensor,
    slots: readonly Tensor[],
    learningRate: number,
    step: number,
  ): { readonly weight: Tensor; readonly slots: readonly Tensor[] };
}

/** The rule of an optimizer. */
export function updateRule(name: OptimizerName, momentum: number): UpdateRule {
  return name === "adam" ? adam() : sgd(momentum);
}

/** An optimizer's tensors for a list of weights, kept on the device until `dispose`. */
export class OptimizerState {
  readonly #tensors: Tensor[][];

  constructor(
    readonly tf: TensorFlow,
    readonly rule: UpdateRule,
    shapes: readonly (readonly number[])[],
  ) {
    this.#tensors = shapes.map((shape) => rule.slots.map(() => tf.keep(tf.zeros([...shape]))));
  }

  /** Updates weight number `index` and returns its new value. Runs inside `tf.tidy`. */
  apply(index: number, weight: Tensor, gradient: Tensor, learningRate: number, step: number): Tensor {
    const before = this.#tensors[index] as Tensor[];
    const after = this.rule.update(this.tf, weight, gradient, before, learningRate, step);
    this.#tensors[index] = after.slots.map((slot) => this.tf.keep(slot));
    for (const slot of before) slot.dispose();
    return after.weight;
  }

  /** The tensors of weight number `index`, in the order of the rule's slots; they stay the state's. */
  slots(index: number): readonly Tensor[] {
    return this.#tensors[index] as Tensor[];
  }

  /** Replaces a tensor; `value` is the state's from now on. */
  restore(index: number, slot: number, value: Tensor): void {
    const tensors = this.#tensors[index] as Tensor[];
    tensors[slot]?.dispose();
    tensors[slot] = this.tf.keep(value);
  }

  /** Frees the tensors. */
  dispose(): void {
    for (const tensors of this.#tensors) for (const tensor of tensors) tensor.dispose();
  }
}
