import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { ValidationReport } from "../report/report.js";
import { train } from "../train.js";
import { evaluate } from "../training/evaluate.js";
import type { WeightRule } from "../training/weight-rule.js";
import { cloneModel } from "./clone-model.js";
import type { CompressOptions, CompressSettings } from "./compress-options.js";
import type { CompressSetting } from "./compress-report.js";
import { lampScores } from "./lamp-scores.js";
import { packModel, unpackModel } from "./pack/index.js";
import { applyMasks, maskRule, maskWeights, pruneFilters, type WeightMasks } from "./prune/index.js";
import {
  centroidRule,
  dequantizeModel,
  quantizeModel,
  refitCentroids,
  type QuantizationOptions,
  type QuantizedModel,
} from "./quantize/index.js";

/** Of Brotli: 1.7 MB of floats take a sixth of the time that the most does, and 2 % more bytes. */
const FLOAT_QUALITY = 9;

/** The steps that make one candidate from another: each is a model of its own, which the caller disposes. */
export class CandidateMaker {
  constructor(
    readonly options: CompressOptions,
    readonly settings: CompressSettings,
  ) {}

  /** The share of the samples of the validation split that are classified right. */
  async evaluate(model: LayersModel): Promise<ValidationReport> {
    const { backend, validation: loader, statistics, imageField, labelField, deadlineMs, signal } = this.options;
    return await evaluate({ loader, model, backend, statistics, imageField, labelField, deadlineMs, signal });
  }

  /** A model with so much of the filters of this one. */
  async withoutFilters(model: LayersModel, keep: number): Promise<LayersModel> {
    if (keep === 1) return await cloneModel(model);
    const pruned = await pruneFilters(model, { keep, scores: "l2", ignore: this.settings.ignore });
    return pruned.model;
  }

  /** Makes the weights of a model zero that matter least, in place. */
  async sparsify(model: LayersModel, sparsity: number): Promise<WeightMasks> {
    const scores = await lampScores(model);
    const masks = await maskWeights(model, { sparsity, scores, scope: "global", ignore: this.settings.ignore });
    applyMasks(model, masks);
    return masks;
  }

  /** Trains a model on, in place; what is masked stays zero. */
  async fineTune(model: LayersModel, setting: CompressSetting, masks: WeightMasks | undefined): Promise<void> {
    using rule = masks === undefined ? undefined : maskRule(masks);
    await this.#train(model, setting, rule);
  }

  /** A model's weights with fewer bits. */
  async quantize(model: LayersModel, bits: number): Promise<QuantizedModel> {
    return await quantizeModel(model, { ...quantizationOf(bits), ignore: this.settings.ignore });
  }

  /** Trains the centroids of codebooks on. */
  async fineTuneCentroids(quantized: QuantizedModel, setting: CompressSetting): Promise<QuantizedModel> {
    const model = await dequantizeModel(quantized);
    using rule = centroidRule(quantized);
    try {
      await this.#train(model, setting, rule);
      return await refitCentroids(model, quantized);
    } finally {
      model.dispose();
    }
  }

  /** The bytes of `model.packed`. Floats are packed with less effort: they gain little by more. */
  pack(quantized: QuantizedModel): Uint8Array {
    const isFloat = quantized.weights.every(({ kind }) => kind === "float32");
    return packModel(quantized, { quality: isFloat ? FLOAT_QUALITY : 11 });
  }

  /** The model in the bytes of a packed file. */
  async unpack(packed: Uint8Array): Promise<LayersModel> {
    return await dequantizeModel(unpackModel(packed));
  }

  async #train(model: LayersModel, setting: CompressSetting, weightRule: WeightRule | undefined): Promise<void> {
    const { backend, loader, statistics, imageField, labelField, deadlineMs, signal, onProgress } = this.options;
    const { epochs, learningRate, seed } = this.settings;
    await train({
      model,
      backend,
      loader,
      epochs,
      learningRate,
      seed,
      weightRule,
      statistics,
      imageField,
      labelField,
      deadlineMs,
      signal,
      schedule: loader.length === undefined ? "constant" : "cosine",
      onProgress: (progress) => onProgress?.({ kind: "training", setting, progress }),
    });
  }
}

/** How weights are kept with so many bits. */
function quantizationOf(bits: number): QuantizationOptions {
  if (bits === 32) return { kind: "float32" };
  if (bits === 16) return { kind: "float16" };
  if (bits === 8) return { kind: "int8", granularity: "channel", symmetric: true };
  return { kind: "codebook", bits };
}

/** True where fewer bits than these leave centroids that can be trained. */
export function hasCentroids(bits: number): boolean {
  return bits < 8;
}
