import { OptionError, SampleError, type Statistics } from "@millrace/formats";
import type { Scalar, Tensor, Tensor1D, Tensor2D } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { Backend } from "../backends/backend.js";
import type { HostTensor, PixelAffine } from "../upload/host-tensor.js";
import { finiteProbe } from "./finite-probe.js";
import { withFrozenBatchNorm } from "./frozen-batch-norm.js";
import { countCorrect, meanLoss, type Loss, type ModelOutput } from "./loss.js";
import { pixelAffine } from "./pixel-affine.js";
import type { TrainBatch, TrainStepContext } from "./train-options.js";

/** What a {@link LayersStep} is made of. */
export interface LayersStepParts {
  readonly model: LayersModel;
  readonly backend: Backend;
  readonly statistics: Statistics | undefined;
  readonly imageField: string;
  readonly labelField: string;
  readonly loss: Loss;
}

/** The reason of the error for such a label. */
export const LABEL_OUT_OF_RANGE = "LABEL_OUT_OF_RANGE";

/** Loss and number of right answers of a batch, on the device; the caller's. */
export interface LayersResult {
  readonly loss: Scalar;
  readonly correct: Scalar;
}

/** What an evaluation of a batch found out; the caller's. */
export interface EvaluatedBatch extends LayersResult {
  /** Not finite if an image is not so; only of float32, as uint8 always is. */
  readonly finiteProbe: Scalar | undefined;
}

/** Runs batches through a model of TensorFlow.js: images and int labels in, loss out. */
export class LayersStep {
  readonly #output: ModelOutput;
  readonly #classes: number;
  #affine: PixelAffine | undefined;

  /** @throws {@link OptionError} if the model is not one that maps images to one output for each class. */
  constructor(readonly parts: LayersStepParts) {
    const { model } = parts;
    const [input] = model.inputs;
    const [output] = model.outputs;
    const classes = output?.shape.at(-1);
    if (
      model.inputs.length !== 1 ||
      input?.shape.length !== 4 ||
      model.outputs.length !== 1 ||
      typeof classes !== "number"
    ) {
      throw new OptionError({
        option: "model",
        problem: "is no classifier of images",
        expected: "one input [batch, height, width, channels] and one output [batch, classes]",
        found: `${shapes(model.inputs)} and ${shapes(model.outputs)}`,
        fix: "give a step function as model",
      });
    }
    this.#classes = classes;
    const { loss } = parts;
    if (loss.name === "focal" && typeof loss.focalAlpha !== "number" && loss.focalAlpha.length !== classes) {
      throw new OptionError({
        option: "focalAlpha",
        problem: "has not one weight for each class",
        expected: `${classes} numbers, or one number`,
        found: `${loss.focalAlpha.length}`,
      });
    }
    const last = output?.sourceLayer;
    const isSoftmax = last?.getConfig()["activation"] === "softmax" || last?.getClassName() === "Softmax";
    this.#output = isSoftmax ? "probabilities" : "logits";
  }

  /** Loss of a batch with the weights as they are, dropout off and batch norm at its averages. */
  evaluate(batch: TrainBatch): EvaluatedBatch {
    const { backend, model, loss } = this.parts;
    const { tf } = backend;
    return tf.tidy(() => {
      const [images, labels] = this.#upload(batch);
      const outputs = model.apply(images, { training: false }) as Tensor2D;
      return {
        loss: meanLoss(tf, loss, outputs, labels, this.#output),
        correct: countCorrect(tf, outputs, labels),
        finiteProbe: isFloat(batch, this.parts.imageField) ? finiteProbe(tf, [images]) : undefined,
      };
    });
  }

  /** Brings a batch to the device; inside `tf.tidy`. */
  #upload(batch: TrainBatch): [images: Tensor, labels: Tensor1D] {
    const { backend, imageField, labelField } = this.parts;
    const image = fieldOf(batch, "imageField", imageField);
    const label = fieldOf(batch, "labelField", labelField);
    this.#checkImage(image);
    this.#checkLabels(label, batch.indices);
    const affine = image.dtype === "uint8" ? this.#affineOf(image.shape.at(-1) ?? 1) : undefined;
    return [backend.upload(image, affine), backend.uploadLabels(label)];
  }

  #affineOf(channels: number): PixelAffine {
    this.#affine ??= pixelAffine(this.parts.statistics, channels);
    return this.#affine;
  }

  #checkImage(image: HostTensor): void {
    const expected = this.parts.model.inputs[0]?.shape ?? [];
    const fits =
      image.shape.length === 4 &&
      expected.every((size, axis) => axis === 0 || size === null || size === image.shape[axis]);
    if (fits) return;
    throw new OptionError({
      option: "model",
      problem: `does not take the images of the field ${this.parts.imageField}`,
      expected: `[batch, ${expected.slice(1).join(", ")}]`,
      found: `[${image.shape.join(", ")}]`,
      fix: "make the model for this shape, or add a resize or centerCrop to the loader's transforms",
    });
  }

  #checkLabels(labels: HostTensor, indices: Uint32Array | undefined): void {
    const bad = this.#badLabel(labels);
    if (bad === undefined) return;
    throw new SampleError({
      field: this.parts.labelField,
      reason: LABEL_OUT_OF_RANGE,
      problem:
        indices === undefined
          ? `label ${bad} of the batch is out of range`
          : `the label of sample ${indices[bad] ?? bad} is out of range`,
      expected: `0 to ${this.#classes - 1}, as the model has ${this.#classes} outputs`,
      found: String(labels.data[bad]),
      fix: "make the model for all classes, or mend the label",
    });
  }

  #badLabel({ data }: HostTensor): number | undefined {
    let bad = 0;
    while (bad < data.length && (data[bad] as number) >= 0 && (data[bad] as number) < this.#classes) bad++;
    return bad === data.length ? undefined : bad;
  }

  /** The number of the first sample whose label is out of range; `undefined` if all are right or have no number. */
  sampleOfBadLabel(batch: TrainBatch): number | undefined {
    const bad = this.#badLabel(fieldOf(batch, "labelField", this.parts.labelField));
    return bad === undefined ? undefined : batch.indices?.[bad];
  }

  /** The affine map and the upload as one span of copy; inside `tf.tidy`. */
  uploadAs(context: TrainStepContext, batch: TrainBatch): [images: Tensor, labels: Tensor1D] {
    return context.copy(() => this.#upload(batch));
  }

  /** Loss with dropout on, as a scalar that depends on the trainable weights, and the count; inside `tf.tidy`. */
  forward(images: Tensor, labels: Tensor1D): LayersResult {
    const { backend, model, loss } = this.parts;
    const { tf } = backend;
    const outputs = withFrozenBatchNorm(model, () => model.apply(images, { training: true }) as Tensor2D);
    const penalties = model.calculateLosses();
    const sum = penalties.reduce<Tensor>(
      (total, penalty) => tf.add(total, penalty),
      meanLoss(tf, loss, outputs, labels, this.#output),
    );
    return { loss: sum as Scalar, correct: countCorrect(tf, outputs, labels) };
  }
}

function fieldOf(batch: TrainBatch, option: string, name: string): HostTensor {
  const field = Object.hasOwn(batch.fields, name) ? batch.fields[name] : undefined;
  if (field !== undefined) return field;
  throw new OptionError({
    option,
    problem: `batches have no field ${name}`,
    expected: Object.keys(batch.fields).join(" | "),
    found: name,
  });
}

function isFloat({ fields }: TrainBatch, name: string): boolean {
  return fields[name]?.dtype === "float32";
}

function shapes(tensors: readonly { readonly shape: readonly (number | null)[] }[]): string {
  return tensors.map(({ shape }) => `[${shape.map((size) => size ?? "batch").join(", ")}]`).join(" ");
}
