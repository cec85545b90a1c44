import { openDataset, type Dataset } from "@millrace/formats";
import { openLoader, type Loader, type LoaderState } from "@millrace/loader";
import {
  createModel,
  selectBackend,
  type Backend,
  type BackendName,
  type Fact,
  type LoaderSetting,
  type ModelName,
  type Selection,
} from "@millrace/train";
import type { Io } from "./io.js";
import { formatCount } from "./table.js";
import type { TrainingFlags } from "./training-flags.js";
import { imageOf, trainingLoaderOptions, validationOptions, type LoadFlags } from "./training-loader.js";

/** A dataset, a loader over its split `train`, a backend and a model on it, all open. */
export interface TrainingRun extends AsyncDisposable {
  readonly dataset: Dataset;
  readonly loader: Loader;
  /** Opens `loader` once more, from its beginning, with another setting. The caller closes it. */
  readonly openAgain: (setting: LoaderSetting) => Promise<Loader>;
  /** Over the split `val`; `undefined` if the dataset has none. */
  readonly validation: Loader | undefined;
  readonly backend: Backend;
  readonly model: ReturnType<typeof createModel>;
  /** What the reports say about the run. */
  readonly facts: readonly Fact[];
}

/**
 * Opens what the flags name. Progress notes go to stderr unless `quiet`.
 * @param loaderState - Where the loader goes on.
 * @throws OptionError if flags do not fit the dataset or each other; BackendError if the backend does not work here.
 */
export async function openTrainingRun(
  flags: TrainingFlags & LoadFlags,
  io: Io,
  loaderState?: LoaderState | null,
): Promise<TrainingRun> {
  const closers: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  try {
    return { ...(await openParts(flags, io, loaderState ?? undefined, closers)), [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openParts(
  flags: TrainingFlags & LoadFlags,
  io: Io,
  state: LoaderState | undefined,
  closers: (() => Promise<void> | void)[],
): Promise<Omit<TrainingRun, keyof AsyncDisposable>> {
  const dataset = await openDataset(flags.dataset);
  closers.push(() => dataset.close());
  const image = imageOf(dataset.schema, flags);
  const { height, width, channels } = image;
  const options = trainingLoaderOptions(flags, image, io.signal);
  const loader = await openLoader(flags.dataset, { ...options, state });
  closers.push(() => loader.close());
  const hasValidation = dataset.splits.some(({ name, length }) => name === "val" && length > 0);
  const validation = hasValidation
    ? await openLoader(flags.dataset, { ...options, ...validationOptions(flags) })
    : undefined;
  closers.push(async () => await validation?.close());
  const selection = await selectBackend(flags.backend as BackendName | "auto");
  const { backend } = selection;
  closers.push(async () => await backend.close());
  tellBackend(selection, flags, io);
  const model = createModel(flags.model as ModelName, {
    classes: Math.max(2, dataset.classes.length),
    inputShape: [height, width, channels],
    seed: flags.seed,
    activation: flags.activation,
  });
  closers.push(() => void model.dispose());
  const facts = [
    { name: "dataset", value: `${dataset.root}, ${dataset.format}, ${loader.samples} samples` },
    {
      name: "model",
      value: `${flags.model}, ${height} x ${width} x ${channels}, ${formatCount(model.countParams())} parameters`,
    },
    { name: "batch size", value: String(flags.batchSize) },
  ];
  const openAgain = async (setting: LoaderSetting): Promise<Loader> =>
    await openLoader(flags.dataset, { ...options, ...setting });
  return { dataset, loader, openAgain, validation, backend, model, facts };
}

function tellBackend({ backend, passedOver }: Selection, flags: TrainingFlags, io: Io): void {
  if (flags.quiet || flags.json) return;
  for (const { what, reason } of passedOver) io.stderr.write(`backend: not ${what}: ${reason}\n`);
  io.stderr.write(`backend: ${backend.name}, ${backend.device}\n`);
}
