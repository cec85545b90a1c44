import { openDataset } from "@millrace/formats";
import { openLoader, type Batch, type Inject, type Loader, type LoaderOptions } from "@millrace/loader";
import { timerStep, type Fact, type LoaderSetting, type StepContext } from "@millrace/train/profile";
import type { Io } from "./io.js";
import type { ProfileFlags } from "./profile-flags.js";
import { imageOf, trainingLoaderOptions } from "./training-loader.js";

/** What `millrace profile` measures: a step, and a loader for it that can be opened with other settings. */
export interface ProfileTarget extends AsyncDisposable {
  readonly open: (setting: LoaderSetting) => Promise<Loader>;
  readonly step: (batch: Batch, context: StepContext) => unknown;
  readonly fence: () => unknown;
  readonly facts: readonly Fact[];
}

/**
 * A model on a backend, or with `--step-ms` a device that takes its time by timer, which needs no TensorFlow.js.
 * @throws OptionError if flags do not fit the dataset or each other; BackendError if the backend does not work here.
 */
export async function openProfileTarget(flags: ProfileFlags, io: Io): Promise<ProfileTarget> {
  return flags.stepMs === undefined ? await openModelTarget(flags, io) : await openTimerTarget(flags, flags.stepMs, io);
}

async function openModelTarget(flags: ProfileFlags, io: Io): Promise<ProfileTarget> {
  const { createModelStep } = await import("@millrace/train");
  const { openTrainingRun } = await import("./training-run.js");
  const run = await openTrainingRun({ ...flags, inject: injectOf(flags) }, io);
  const { backend, model, dataset, facts } = run;
  const training = createModelStep({
    model,
    backend,
    statistics: dataset.manifest?.statistics ?? undefined,
    learningRate: flags.learningRate,
  });
  return {
    open: async (setting) => (Object.keys(setting).length === 0 ? run.loader : await run.openAgain(setting)),
    step: training.step,
    fence: () => backend.fence(),
    facts: [...facts, { name: "backend", value: `${backend.name}, ${backend.device}` }],
    async [Symbol.asyncDispose]() {
      training[Symbol.dispose]();
      await run[Symbol.asyncDispose]();
    },
  };
}

async function openTimerTarget(flags: ProfileFlags, stepMs: number, io: Io): Promise<ProfileTarget> {
  const step = timerStep(stepMs);
  await using dataset = await openDataset(flags.dataset);
  const hasImages = dataset.schema.fields.some(({ name }) => name === "image");
  const { batchSize, numWorkers, prefetchDepth, readAhead } = flags;
  const inject = injectOf(flags);
  const options: LoaderOptions = hasImages
    ? trainingLoaderOptions({ ...flags, inject }, imageOf(dataset.schema, flags), io.signal)
    : { batchSize, numWorkers, prefetchDepth, readAhead, inject, signal: io.signal };
  return {
    open: async (setting) => await openLoader(flags.dataset, { ...options, ...setting }),
    step: () => step(),
    fence: () => undefined,
    facts: [
      { name: "dataset", value: `${dataset.root}, ${dataset.format}` },
      { name: "device", value: `a timer of ${stepMs} ms a batch` },
      { name: "batch size", value: String(batchSize) },
    ],
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** What the flags slow down; `undefined` if nothing. */
function injectOf(flags: ProfileFlags): Partial<Inject> | undefined {
  const { injectFetchMs, injectPrepMs, injectBytesPerSec, injectCachedFraction } = flags;
  const inject: Partial<Inject> = {
    ...(injectFetchMs === undefined ? {} : { fetchMs: injectFetchMs }),
    ...(injectPrepMs === undefined ? {} : { prepMs: injectPrepMs }),
    ...(injectBytesPerSec === undefined ? {} : { bytesPerSec: injectBytesPerSec }),
    ...(injectCachedFraction === undefined ? {} : { cachedFraction: injectCachedFraction }),
  };
  return Object.keys(inject).length === 0 ? undefined : inject;
}
