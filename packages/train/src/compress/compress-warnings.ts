import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { Warning } from "../report/report.js";
import type { CompressSettings } from "./compress-options.js";
import type { LatencyReport, ModelReport } from "./compress-report.js";
import { pointsText } from "./size-text.js";

/** What warnings are about. */
export interface Compared {
  readonly before: ModelReport;
  readonly after: ModelReport | undefined;
  readonly settings: Pick<CompressSettings, "maxAccuracyDrop" | "hasFilters">;
  readonly model: Pick<LayersModel, "outputs">;
}

/** A model that takes more than this share of the time before is not called faster. */
const NOT_FASTER = 0.95;
/** More than this share of what was before is called slower, or larger. */
const WORSE = 1.05;

const NO_FILTERS: Warning = {
  code: "no-filters",
  text: "The model has no filters that could be removed, so only its weights were pruned and kept in fewer bits.",
};

/** What limits the figures of a compression, and what became slower. */
export function compressWarnings({ before, after, settings, model }: Compared): Warning[] {
  return [
    ...sampleWarnings(before, settings.maxAccuracyDrop),
    ...chanceWarnings(before, model.outputs[0]?.shape.at(-1) ?? 1),
    ...(settings.hasFilters ? [] : [NO_FILTERS]),
    ...(after === undefined ? [] : speedWarnings(before, after)),
  ];
}

function sampleWarnings({ accuracy }: ModelReport, maxAccuracyDrop: number): Warning[] {
  const half = (accuracy.interval.high - accuracy.interval.low) / 2;
  if (half <= maxAccuracyDrop) return [];
  const text = `Accuracy is measured on ${accuracy.samples} samples, which tell it to +-${pointsText(half)} points; the loss that is allowed, ${pointsText(maxAccuracyDrop)}, is within that. Validate on more samples.`;
  return [{ code: "few-samples", text }];
}

function chanceWarnings({ accuracy }: ModelReport, classes: number): Warning[] {
  if (accuracy.interval.low > 1 / classes) return [];
  const text = `The model is right on ${pointsText(accuracy.value)} % of the samples, which is no better than chance among ${classes} classes: is this the dataset that it was trained on, with the same normalisation?`;
  return [{ code: "near-chance", text }];
}

function speedWarnings(before: ModelReport, after: ModelReport): Warning[] {
  if (before.speed === undefined || after.speed === undefined) return [];
  const notFaster = after.speed.latency.flatMap((latency, index) => {
    const ratio = ratioOf(before.speed?.latency[index], latency);
    return ratio === undefined || ratio <= NOT_FASTER ? [] : [{ batchSize: latency.batchSize, ratio }];
  });
  const loadRatio = after.speed.loadMs / before.speed.loadMs;
  const memoryRatio = after.speed.peakMemoryBytes / before.speed.peakMemoryBytes;
  return [
    ...(notFaster.length === 0 ? [] : [notFasterWarning(notFaster)]),
    ...(loadRatio > WORSE ? [slowerLoad(loadRatio)] : []),
    ...(memoryRatio > WORSE
      ? [{ code: "more-memory", text: `A forward pass takes ${memoryRatio.toFixed(2)} times the memory.` }]
      : []),
  ];
}

/** Time of the smaller model over that of the one before; `undefined` where one was not measured. */
export function ratioOf(before: LatencyReport | undefined, after: LatencyReport | undefined): number | undefined {
  return before === undefined || after === undefined || before.p50Ms === 0 ? undefined : after.p50Ms / before.p50Ms;
}

function notFasterWarning(found: readonly { readonly batchSize: number; readonly ratio: number }[]): Warning {
  const times = found.map(({ batchSize, ratio }) => `${ratio.toFixed(2)} times the time for ${batchSize}`).join(", ");
  return {
    code: "not-faster",
    text: `The forward pass is not faster (${times}): zeros and codebooks make the file smaller, while the kernels multiply dense float32. Only fewer filters save them work.`,
  };
}

function slowerLoad(ratio: number): Warning {
  return {
    code: "slower-load",
    text: `Loading takes ${ratio.toFixed(2)} times as long: the packed file is decoded first. From a slow network its fewer bytes outweigh that.`,
  };
}
