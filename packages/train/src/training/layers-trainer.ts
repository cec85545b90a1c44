import { BackendError } from "@millrace/formats";
import type { Scalar, Tensor, Variable } from "@tensorflow/tfjs-core";
import type { Checkpoint } from "../checkpoint/checkpoint.js";
import { checkTensors, refuseOther } from "../checkpoint/check-tensors.js";
import type { NamedTensor } from "../checkpoint/safetensors.js";
import { clipGradients } from "../optimizers/clip-gradients.js";
import { decays, OptimizerState, type UpdateRule } from "../optimizers/optimizer.js";
import { seedDropout } from "./dropout-seeds.js";
import { finiteProbe } from "./finite-probe.js";
import type { LayersResult, LayersStep } from "./layers-step.js";
import type { TrainBatch, TrainStepContext } from "./train-options.js";
import { WeightAverage } from "./weight-average.js";
import { withForwardWeights, type WeightRule } from "./weight-rule.js";

/** How a {@link LayersTrainer} updates. */
export interface TrainerSettings {
  readonly rule: UpdateRule;
  readonly seed: number;
  readonly weightDecay: number;
  readonly clipNorm?: number | undefined;
  /** The decay of the moving average; without it there is none. */
  readonly ema?: number | undefined;
  readonly weightRule?: WeightRule | undefined;
}

/** The tensors of a checkpoint. */
export type CheckpointTensors = Pick<Checkpoint, "weights" | "slots" | "averages" | "bestWeights">;

/** What an update found out, on the device; the caller's. */
export interface UpdateResult extends LayersResult {
  /** See {@link RunStepResult.finiteProbe}. */
  readonly finiteProbe: Scalar;
}

/** Trains a model, one update a batch. Dispose it at the end; the model stays. */
export class LayersTrainer {
  readonly #variables: Variable[];
  readonly #state: OptimizerState;
  readonly #average: WeightAverage | undefined;
  #best: Tensor[] = [];
  #isTorn = false;

  constructor(
    readonly step: LayersStep,
    readonly settings: TrainerSettings,
  ) {
    const { model, backend } = step.parts;
    const { rule, weightDecay, ema } = settings;
    this.#variables = model.trainableWeights.map((weight) => weight.read() as Variable);
    const weights = model.trainableWeights.map(({ originalName }, index) => ({
      shape: this.#variables[index]?.shape ?? [],
      weightDecay: decays(originalName) ? weightDecay : 0,
    }));
    this.#state = new OptimizerState(backend.tf, rule, weights);
    this.#average = ema === undefined ? undefined : new WeightAverage(backend.tf, model, ema);
  }

  /** True if an update broke off half done, so that the weights are neither old nor new. */
  get isTorn(): boolean {
    return this.#isTorn;
  }

  /** One update. The result's tensors are the caller's. If it throws, the weights are those before, or `isTorn`. */
  run(batch: TrainBatch, context: TrainStepContext): UpdateResult {
    const { backend, model } = this.step.parts;
    const { tf } = backend;
    seedDropout(model, this.settings.seed, context.step);
    // A forward pass already moves the averages of batch norm. A clone shares the memory.
    const before = model.nonTrainableWeights.map((weight) => ({ weight, value: tf.keep(tf.clone(weight.read())) }));
    let correct: Scalar | undefined;
    let isDone = false;
    try {
      const result = tf.tidy(() => {
        const [images, labels] = this.step.uploadAs(context, batch);
        const { value, grads } = withForwardWeights(tf, model, this.settings.weightRule, () =>
          tf.variableGrads(() => {
            const forward = this.step.forward(images, labels);
            correct = tf.keep(forward.correct);
            return forward.loss;
          }, this.#variables),
        );
        const changed = this.#update(grads, context);
        const moved = before.flatMap(({ weight, value: old }) => {
          const now = weight.read();
          return now.dataId === old.dataId ? [] : [now];
        });
        return { loss: value, correct: correct as Scalar, finiteProbe: finiteProbe(tf, [...changed, ...moved]) };
      });
      isDone = true;
      return result;
    } finally {
      if (!isDone) {
        correct?.dispose();
        for (const { weight, value } of before) weight.write(value);
      }
      for (const { value } of before) value.dispose();
    }
  }

  /** Updates the weights. Returns the new ones and, of the optimizer, the tensors that tell whether it is sound. */
  #update(grads: Readonly<Record<string, Tensor>>, { learningRate, step }: TrainStepContext): Tensor[] {
    const { backend, model } = this.step.parts;
    const { clipNorm, weightRule } = this.settings;
    const names = model.trainableWeights.map(({ originalName }) => originalName);
    const known = this.#variables.flatMap((variable, index) => {
      const own = grads[variable.name];
      if (own === undefined) return [];
      return [{ variable, index, gradient: weightRule?.gradient?.(names[index] as string, own) ?? own }];
    });
    const gradients = known.map(({ gradient }) => gradient);
    const used = clipNorm === undefined ? gradients : clipGradients(backend.tf, gradients, clipNorm);
    const changed: Tensor[] = [];
    this.#isTorn = true;
    for (const [number, { variable, index }] of known.entries()) {
      const after = this.#state.apply(index, variable, used[number] as Tensor, learningRate, step);
      model.trainableWeights[index]?.write(weightRule?.project?.(names[index] as string, after) ?? after);
      // Adam's second moment can overflow where the weight does not, which then stands still for good.
      changed.push(after, ...this.#state.slots(index).slice(-1));
    }
    this.#average?.update(step);
    this.#isTorn = false;
    return changed;
  }

  /** Runs `work` with the moving averages as the model's weights, if there are any. */
  async withAverages<T>(work: () => Promise<T>): Promise<T> {
    this.#average?.swap();
    try {
      return await work();
    } finally {
      this.#average?.swap();
    }
  }

  /** Keeps the weights, or their averages if there are any, as the best so far. Nothing is copied. */
  keepBest(): void {
    const { model, backend } = this.step.parts;
    const { tf } = backend;
    for (const tensor of this.#best) tensor.dispose();
    const now = this.#average?.tensors() ?? model.weights.map((weight) => weight.read());
    this.#best = now.map((tensor) => tf.keep(tf.clone(tensor)));
  }

  /** Gives the model the weights to be used from now on: the best that were kept, or the averages, or as they are. */
  finish(): void {
    if (this.#best.length === 0) this.#average?.swap();
    else
      for (const [index, weight] of this.step.parts.model.weights.entries()) weight.write(this.#best[index] as Tensor);
  }

  /**
   * All tensors of a checkpoint, read from the device.
   * @throws {@link BackendError} if one of them holds a number that is not finite.
   */
  async save(): Promise<CheckpointTensors> {
    const { weights, trainableWeights } = this.step.parts.model;
    const readAll = async (tensors: readonly Tensor[]): Promise<NamedTensor[]> => {
      const named: NamedTensor[] = [];
      for (const [index, tensor] of tensors.entries())
        named.push(await read(numbered(index, weights[index]?.originalName ?? ""), tensor));
      return named;
    };
    const slots: NamedTensor[] = [];
    for (const [index, weight] of trainableWeights.entries()) {
      for (const [slot, tensor] of this.#state.slots(index).entries())
        slots.push(
          await read(numbered(index, `${this.settings.rule.slots[slot] ?? slot}.${weight.originalName}`), tensor),
        );
    }
    return {
      weights: await readAll(weights.map((weight) => weight.read())),
      slots,
      averages: await readAll(this.#average?.tensors() ?? []),
      bestWeights: await readAll(this.#best),
    };
  }

  /**
   * Puts back what {@link LayersTrainer.save} read.
   * @throws {@link StateError} if it is of another model, and nothing has been changed.
   */
  restore(checkpoint: CheckpointTensors): void {
    const { model, backend } = this.step.parts;
    const { rule } = this.settings;
    const expected = model.weights.map(({ originalName, shape }) => ({ name: originalName, shape }));
    const slots = model.trainableWeights.flatMap(({ originalName, shape }) =>
      rule.slots.map((slot) => ({ name: `${slot}.${originalName}`, shape })),
    );
    checkTensors("weights", expected, checkpoint.weights);
    checkTensors("tensors of the optimizer", slots, checkpoint.slots);
    const [wanted, found] = [this.#average !== undefined, checkpoint.averages.length > 0].map((has) =>
      has ? "with moving averages" : "without moving averages",
    ) as [string, string];
    if (wanted !== found) throw refuseOther("it differs in the option ema", wanted, found);
    if (this.#average !== undefined) checkTensors("moving averages", expected, checkpoint.averages);
    if (checkpoint.bestWeights.length > 0) checkTensors("best weights", expected, checkpoint.bestWeights);
    const { tf } = backend;
    const upload = ({ data, shape }: NamedTensor): Tensor => tf.tensor(data, [...shape]);
    tf.tidy(() => {
      for (const [index, weight] of model.weights.entries())
        weight.write(upload(checkpoint.weights[index] as NamedTensor));
      for (const [number, tensor] of checkpoint.slots.entries())
        this.#state.restore(Math.floor(number / rule.slots.length), number % rule.slots.length, upload(tensor));
      this.#average?.restore(checkpoint.averages.map(upload));
      this.#best = checkpoint.bestWeights.map((tensor) => tf.keep(upload(tensor)));
    });
  }

  dispose(): void {
    this.#state.dispose();
    this.#average?.dispose();
    for (const tensor of this.#best) tensor.dispose();
  }
}

function numbered(index: number, name: string): string {
  return `${String(index).padStart(3, "0")}.${name}`;
}

async function read(name: string, tensor: Tensor): Promise<NamedTensor> {
  const data = Float32Array.from(await tensor.data());
  if (data.every((value) => Number.isFinite(value))) return { name, shape: tensor.shape, data };
  throw new BackendError({
    problem: `training has diverged: ${name} holds a number that is not finite`,
    reason: "WEIGHT_NOT_FINITE",
    fix: "go on from an older checkpoint with a lower learningRate, more warmupSteps or clipNorm",
  });
}
