import type { Loader } from "@millrace/loader";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { profile } from "../profile/profile.js";
import type { ProfileReport } from "../report/report.js";
import type { StepContext } from "../step-context.js";
import type { EvaluateOptions } from "../training/evaluate.js";
import { pixelAffine } from "../training/pixel-affine.js";
import { statisticsOf, type TrainBatch } from "../training/train-options.js";
import type { LinkReport } from "./compress-report.js";
import { inputLink } from "./input-link.js";

/** What {@link measureLink} measures. */
export interface LinkOptions extends Pick<EvaluateOptions, "backend" | "statistics" | "imageField" | "signal"> {
  /** The model before compression; stays the caller's. */
  readonly before: LayersModel;
  /** The smaller one; stays the caller's. */
  readonly after: LayersModel;
  /** What feeds them, at the setting that it has now; begun again as often as it takes. */
  readonly loader: Loader;
  /** Forward passes of each model that are measured. Default 60. */
  readonly steps?: number | undefined;
  /** Time of each phase of the profile, in seconds. Default 0.5. */
  readonly phaseSeconds?: number | undefined;
}

const WARMUP_STEPS = 5;

/**
 * Says where the bottleneck goes, by a short profile of forward passes on the batches of a loader: how fast the loader and
 * the model before are by themselves, how much faster the smaller model is, and what {@link inputLink} makes of it. Then
 * the smaller model is run, too, to see whether the prediction holds. `undefined` where the phases could not be measured.
 * @throws as {@link profile}; the signal's reason when it aborts.
 */
export async function measureLink(options: LinkOptions): Promise<LinkReport | undefined> {
  const { before, after, phaseSeconds = 0.5 } = options;
  const first = await run(options, before, { seconds: phaseSeconds });
  if (first.model === undefined) return undefined;
  const second = await run(options, after, false);
  const [beforeMs, afterMs] = [passMs(first), passMs(second)];
  const ratio = beforeMs > 0 && afterMs > 0 ? afterMs / beforeMs : 1;
  return { ...inputLink(first.model, ratio), measuredPerSec: second.throughput.samplesPerSec };
}

/** The median time of a forward pass with its upload, without what it waited for its batch. */
function passMs({ budget }: ProfileReport): number {
  return budget.compute.p50Ms + budget.copy.p50Ms;
}

async function run(
  { backend, loader, steps = 60, statistics, imageField = "image", signal }: LinkOptions,
  model: LayersModel,
  phases: { readonly seconds: number } | false,
): Promise<ProfileReport> {
  const { tf } = backend;
  const channels = model.inputs[0]?.shape.at(-1) ?? 1;
  const affine = pixelAffine(statistics ?? statisticsOf(loader, imageField), channels);
  const step = async (batch: TrainBatch, { copy }: StepContext): Promise<void> => {
    const output = tf.tidy(() => {
      const image = batch.fields[imageField];
      if (image === undefined) return undefined;
      const images = copy(() => backend.upload(image, image.dtype === "uint8" ? affine : undefined));
      return model.predict(images) as Tensor;
    });
    await output?.data();
    output?.dispose();
  };
  const fence = (): Promise<void> => backend.fence();
  return await profile<TrainBatch>({ loader, step, fence, steps, warmupSteps: WARMUP_STEPS, phases, signal });
}
