import { BackendError, OptionError } from "@millrace/formats";
import { type Tensor, tidy } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { BatchPass } from "../../batch-pass.js";
import { StepWatch } from "../../step-watch.js";
import type { EvaluateOptions } from "../../training/evaluate.js";
import { pixelAffine } from "../../training/pixel-affine.js";
import { statisticsOf, type TrainBatch, type TrainLoader } from "../../training/train-options.js";
import { RangeHistogram } from "./range-histogram.js";
import { watchedModel } from "./watched-model.js";

/** The range of a layer's outputs; 0 lies in it. */
export interface ActivationRange {
  readonly min: number;
  readonly max: number;
}

/** What {@link calibrateActivations} measured. */
export interface ActivationRanges {
  /** By the name of the layer, for the layers whose outputs an engine for int8 would store in 8 bits. */
  readonly ranges: ReadonlyMap<string, ActivationRange>;
  /** How many samples were looked at. */
  readonly samples: number;
}

/** How to calibrate. */
export interface CalibrateOptions extends Pick<
  EvaluateOptions,
  "backend" | "statistics" | "imageField" | "deadlineMs" | "signal"
> {
  /** A model with one input, `[batch, height, width, channels]`. It stays as it is. */
  readonly model: LayersModel;
  /** Samples as in training; a few hundred are enough. The loader is left in the middle of its epoch 0. */
  readonly loader: TrainLoader;
  /** So many batches are looked at. Default 16. */
  readonly batches?: number | undefined;
  /**
   * Of the outputs, 100 - percentile percent on each side may lie outside the range, and are cut off: 99.99 for example
   * leaves outliers out. 50 to 100, default 100: from the least to the greatest.
   */
  readonly percentile?: number | undefined;
}

/**
 * Measures which values the outputs of layers have, with dropout off and batch norm at its averages.
 * @throws {@link OptionError} if the samples do not fit the model, or there are none; {@link BackendError} if an output
 * is not finite; the signal's reason when it aborts.
 */
export async function calibrateActivations(options: CalibrateOptions): Promise<ActivationRanges> {
  const { loader, batches = 16, percentile = 100, deadlineMs = 300_000, signal } = options;
  check(options);
  using watch = new StepWatch(deadlineMs, signal);
  const histograms = new Map<string, RangeHistogram>();
  const copy = await watchedModel(options.model, (layer, output) => {
    const histogram = histograms.get(layer) ?? new RangeHistogram();
    histograms.set(layer, histogram);
    if (histogram.add(output.dataSync())) return output;
    throw new BackendError({
      problem: `the layer ${layer} gave a number that is not finite`,
      fix: "train the model again",
    });
  });
  const pass = new BatchPass(loader.epoch?.(0) ?? loader);
  let samples = 0;
  try {
    for (let count = 0; count < batches; count++) {
      const turn = watch.between();
      if (turn !== undefined) await turn;
      const next = await pass.next(watch, count);
      if (next === undefined) break;
      tidy(() => void copy.apply(upload(options, next.batch), { training: false }));
      samples += next.batch.size;
    }
  } finally {
    copy.dispose();
    await pass.close();
  }
  if (samples === 0) throw new OptionError({ option: "loader", problem: "yields no batch to calibrate with" });
  return {
    ranges: new Map([...histograms].map(([layer, histogram]) => [layer, histogram.range(percentile)])),
    samples,
  };
}

function check({ model, batches = 16, percentile = 100 }: CalibrateOptions): void {
  if (!Number.isInteger(batches) || batches < 1)
    throw impossible("batches", "impossible number of batches", "an integer from 1 up", String(batches));
  if (!(percentile >= 50 && percentile <= 100))
    throw impossible("percentile", "impossible percentile", "50 to 100", String(percentile));
  if (model.inputs.length !== 1)
    throw impossible("model", "cannot be calibrated", "one input", `${model.inputs.length} inputs`);
}

function impossible(option: string, problem: string, expected: string, found: string): OptionError {
  return new OptionError({ option, problem, expected, found });
}

function upload(
  { model, backend, loader, statistics, imageField = "image" }: CalibrateOptions,
  batch: TrainBatch,
): Tensor {
  const image = Object.hasOwn(batch.fields, imageField) ? batch.fields[imageField] : undefined;
  if (image === undefined) {
    const problem = `batches have no field ${imageField}`;
    throw new OptionError({ option: "imageField", problem, expected: Object.keys(batch.fields).join(" | ") });
  }
  const expected = model.inputs[0]?.shape ?? [];
  const fits =
    image.shape.length === expected.length &&
    expected.every((size, axis) => axis === 0 || size === null || size === image.shape[axis]);
  if (!fits) {
    throw new OptionError({
      option: "loader",
      problem: `the field ${imageField} does not fit the input of the model`,
      expected: `[batch, ${expected
        .slice(1)
        .map((size) => size ?? "any")
        .join(", ")}]`,
      found: `[${image.shape.join(", ")}]`,
      fix: "calibrate with samples as they are in training",
    });
  }
  const used = statistics ?? statisticsOf(loader, imageField);
  return backend.upload(image, image.dtype === "uint8" ? pixelAffine(used, image.shape.at(-1) ?? 1) : undefined);
}
