import { gzipSync } from "node:zlib";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { modelFiles } from "../model-file/model-file.js";
import type { ValidationReport } from "../report/report.js";
import { artifactsOf } from "./clone-model.js";
import type { AccuracyReport, ModelReport } from "./compress-report.js";
import { countMacs } from "./prune/index.js";
import { wilsonInterval } from "./wilson-interval.js";

/** The accuracy of a pass over the validation split, with its interval. */
export function accuracyOf({ accuracy, samples }: Pick<ValidationReport, "accuracy" | "samples">): AccuracyReport {
  return { value: accuracy, interval: wilsonInterval(Math.round(accuracy * samples), samples), samples };
}

/**
 * What a model is and takes, its speed left out.
 * @param packedBytes - Of `model.packed`.
 */
export async function modelReport(
  model: LayersModel,
  accuracy: AccuracyReport,
  packedBytes: number,
): Promise<ModelReport> {
  const { parameters, macs } = countMacs(model);
  const { json, weights } = modelFiles(await artifactsOf(model));
  const float32 = Buffer.byteLength(json) + weights.length;
  const gzip = gzipSync(json).length + gzipSync(weights).length;
  return {
    accuracy,
    parameters,
    nonZero: await countNonZero(model),
    macs,
    bytes: { float32, gzip, packed: packedBytes },
  };
}

async function countNonZero(model: LayersModel): Promise<number> {
  let count = 0;
  for (const weight of model.weights) for (const value of await weight.read().data()) if (value !== 0) count++;
  return count;
}
