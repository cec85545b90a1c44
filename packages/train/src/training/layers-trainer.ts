import { StateError } from "@millrace/formats";
import type { Scalar, Tensor, Variable } from "@tensorflow/tfjs-core";
import type { Checkpoint } from "../checkpoint/checkpoint.js";
import type { NamedTensor } from "../checkpoint/safetensors.js";
import { OptimizerState, type UpdateRule } from "../optimizers/optimizer.js";
import { seedDropout } from "./dropout-seeds.js";
import type { LayersResult, LayersStep } from "./layers-step.js";
import type { TrainBatch, TrainStepContext } from "./train-options.js";

/** Trains a model, one update a batch. Dispose it at the end; the model stays. */
export class LayersTrainer {
  readonly #variables: Variable[];
  readonly #state: OptimizerState;

  constructor(
    readonly step: LayersStep,
    readonly rule: UpdateRule,
    readonly seed: number,
  ) {
    const { model, backend } = step.parts;
    this.#variables = model.trainableWeights.map((weight) => weight.read() as Variable);
    this.#state = new OptimizerState(
      backend.tf,
      rule,
      this.#variables.map((variable) => variable.shape),
    );
  }

  /** One update. The result's tensors are the caller's. */
  run(batch: TrainBatch, context: TrainStepContext): LayersResult {
    const { backend, model } = this.step.parts;
    const { tf } = backend;
    seedDropout(model, this.seed, context.step);
    return tf.tidy(() => {
      const [images, labels] = this.step.uploadAs(context, batch);
      let correct: Scalar | undefined;
      const { value, grads } = tf.variableGrads(() => {
        const result = this.step.forward(images, labels);
        correct = tf.keep(result.correct);
        return result.loss;
      }, this.#variables);
      model.trainableWeights.forEach((weight, index) => {
        const variable = this.#variables[index] as Variable;
        const gradient = grads[variable.name];
        if (gradient !== undefined)
          weight.write(this.#state.apply(index, variable, gradient, context.learningRate, context.step));
      });
      return { loss: value, correct: correct as Scalar };
    });
  }

  /** Weights and optimizer state, read from the device. */
  async save(): Promise<Pick<Checkpoint, "weights" | "slots">> {
    const { model } = this.step.parts;
    const weights: NamedTensor[] = [];
    for (const [index, weight] of model.weights.entries())
      weights.push(await read(`${String(index).padStart(3, "0")}.${weight.originalName}`, weight.read()));
    const slots: NamedTensor[] = [];
    for (const [index, weight] of model.trainableWeights.entries()) {
      for (const [slot, tensor] of this.#state.slots(index).entries())
        slots.push(
          await read(
            `${String(index).padStart(3, "0")}.${this.rule.slots[slot] ?? slot}.${weight.originalName}`,
            tensor,
          ),
        );
    }
    return { weights, slots };
  }

  /**
   * Puts weights and optimizer state back.
   * @throws {@link StateError} if they are those of another model, and nothing has been changed.
   */
  restore(checkpoint: Checkpoint): void {
    const { model, backend } = this.step.parts;
    const { tf } = backend;
    const expected = model.weights.map((weight) => weight.shape);
    const slotShapes = this.#variables.flatMap((variable) => this.rule.slots.map(() => variable.shape));
    checkShapes("weights", expected, checkpoint.weights);
    checkShapes("tensors of the optimizer", slotShapes, checkpoint.slots);
    tf.tidy(() => {
      for (const [index, weight] of model.weights.entries()) {
        const { data, shape } = checkpoint.weights[index] as NamedTensor;
        weight.write(tf.tensor(data, [...shape]));
      }
      for (const [number, { data, shape }] of checkpoint.slots.entries()) {
        const perWeight = this.rule.slots.length;
        this.#state.restore(Math.floor(number / perWeight), number % perWeight, tf.tensor(data, [...shape]));
      }
    });
  }

  dispose(): void {
    this.#state.dispose();
  }
}

async function read(name: string, tensor: Tensor): Promise<NamedTensor> {
  return { name, shape: tensor.shape, data: Float32Array.from(await tensor.data()) };
}

function checkShapes(
  what: string,
  expected: readonly (readonly (number | null)[])[],
  found: readonly NamedTensor[],
): void {
  if (expected.length !== found.length)
    throw otherModel(`it differs in the number of ${what}`, `${expected.length}`, `${found.length}`);
  for (const [index, shape] of expected.entries()) {
    const tensor = found[index] as NamedTensor;
    if (shape.join() !== tensor.shape.join())
      throw otherModel(`${tensor.name} has another shape`, `[${shape.join(", ")}]`, `[${tensor.shape.join(", ")}]`);
  }
}

function otherModel(problem: string, expected: string, found: string): StateError {
  return new StateError({
    problem: `the checkpoint is of another model: ${problem}`,
    expected,
    found,
    fix: "make the same model and optimizer as the run that wrote it, or train without resume",
  });
}
