import type { Tensor } from "@tensorflow/tfjs-core";
import type { TensorFlow } from "../backends/backend.js";
import { adam, adamw } from "./adam.js";
import { sgd } from "./sgd.js";

/** The optimizers by name. */
export const OPTIMIZERS = ["sgd", "adam", "adamw"] as const;
/** The name of an optimizer. */
export type OptimizerName = (typeof OPTIMIZERS)[number];

/** One weight before an update. All tensors have the weight's shape, float32. */
export interface WeightUpdate {
  readonly weight: Tensor;
  readonly gradient: Tensor;
  readonly slots: readonly Tensor[];
  readonly learningRate: number;
  /** Number of the update, from 0; it decides corrections, so a resumed run goes on as if it never stopped. */
  readonly step: number;
  /** 0 for a weight that does not decay. */
  readonly weightDecay: number;
}

/** What an optimizer does to one weight. */
export interface UpdateRule {
  /** Names of the tensors that it keeps for each weight; they begin as zeros. */
  readonly slots: readonly string[];
  /** The new weight and the new slots, from those before. Runs inside `tf.tidy`. */
  update(tf: TensorFlow, before: WeightUpdate): { readonly weight: Tensor; readonly slots: readonly Tensor[] };
}

/** The rule of an optimizer. */
export function updateRule(name: OptimizerName, momentum: number): UpdateRule {
  if (name === "sgd") return sgd(momentum);
  return name === "adam" ? adam() : adamw();
}

/**
 * True for the weights that decay: kernels. Biases and the scales and shifts of batch norm do not, as decay makes no
 * model with these simpler (He et al., "Bag of Tricks", 2019, section 3.1).
 */
export function decays(name: string): boolean {
  return name.endsWith("kernel");
}

/** A weight that an optimizer keeps tensors for. */
export interface OptimizedWeight {
  readonly shape: readonly number[];
  readonly weightDecay: number;
}

/** An optimizer's tensors for a list of weights, kept on the device until `dispose`. */
export class OptimizerState {
  readonly #tensors: Tensor[][];

  constructor(
    readonly tf: TensorFlow,
    readonly rule: UpdateRule,
    readonly weights: readonly OptimizedWeight[],
  ) {
    this.#tensors = weights.map(({ shape }) => rule.slots.map(() => tf.keep(tf.zeros([...shape]))));
  }

  /** Updates weight number `index` and returns its new value. Runs inside `tf.tidy`. */
  apply(index: number, weight: Tensor, gradient: Tensor, learningRate: number, step: number): Tensor {
    const slots = this.#tensors[index] as Tensor[];
    const weightDecay = this.weights[index]?.weightDecay ?? 0;
    const after = this.rule.update(this.tf, { weight, gradient, slots, learningRate, step, weightDecay });
    this.#tensors[index] = after.slots.map((slot) => this.tf.keep(slot));
    for (const slot of slots) slot.dispose();
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
