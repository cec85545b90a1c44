import { openDataset, OptionError, type Dataset, type Schema, type TensorField } from "@millrace/formats";
import {
  horizontalFlip,
  openLoader,
  randomResizedCrop,
  resize,
  sequential,
  shuffle,
  type Loader,
  type LoaderState,
} from "@millrace/loader";
import {
  createModel,
  selectBackend,
  type Backend,
  type BackendName,
  type Fact,
  type ModelName,
  type Selection,
} from "@millrace/train";
import type { Io } from "./io.js";
import { formatCount } from "./table.js";
import type { TrainingFlags } from "./training-flags.js";

/** A dataset, a loader over its split `train`, a backend and a model on it, all open. */
export interface TrainingRun extends AsyncDisposable {
  readonly dataset: Dataset;
  readonly loader: Loader;
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
  flags: TrainingFlags,
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
  flags: TrainingFlags,
  io: Io,
  state: LoaderState | undefined,
  closers: (() => Promise<void> | void)[],
): Promise<Omit<TrainingRun, keyof AsyncDisposable>> {
  const { numWorkers, prefetchDepth, batchSize, seed } = flags;
  const dataset = await openDataset(flags.dataset);
  closers.push(() => dataset.close());
  const { height, width, channels } = imageOf(dataset.schema, flags);
  const sized = flags.size === undefined ? [] : [resize(flags.size)];
  const common = { batchSize, numWorkers, prefetchDepth, fields: ["image", "label"], signal: io.signal };
  const crop = randomResizedCrop([height, width], { scale: [flags.cropArea, 1] });
  const transforms = [
    ...(flags.augment.startsWith("crop") ? [crop] : sized),
    ...(flags.augment.endsWith("flip") ? [horizontalFlip()] : []),
  ];
  const loader = await openLoader(flags.dataset, { ...common, transforms, order: shuffle({ seed }), state });
  closers.push(() => loader.close());
  const hasValidation = dataset.splits.some(({ name, length }) => name === "val" && length > 0);
  const validation = hasValidation
    ? await openLoader(flags.dataset, { ...common, transforms: sized, split: "val", order: sequential() })
    : undefined;
  closers.push(async () => await validation?.close());
  const selection = await selectBackend(flags.backend as BackendName | "auto");
  const { backend } = selection;
  closers.push(async () => await backend.close());
  tellBackend(selection, flags, io);
  const model = createModel(flags.model as ModelName, {
    classes: Math.max(2, dataset.classes.length),
    inputShape: [height, width, channels],
    seed,
    activation: flags.activation,
  });
  closers.push(() => void model.dispose());
  const facts = [
    { name: "dataset", value: `${dataset.root}, ${dataset.format}, ${loader.samples} samples` },
    {
      name: "model",
      value: `${flags.model}, ${height} x ${width} x ${channels}, ${formatCount(model.countParams())} parameters`,
    },
    { name: "batch size", value: String(batchSize) },
  ];
  return { dataset, loader, validation, backend, model, facts };
}

interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

function imageOf(schema: Schema, flags: TrainingFlags): ImageShape {
  const field = schema.fields.find(({ name }) => name === "image");
  const hasLabel = schema.fields.some(({ name }) => name === "label");
  if (field === undefined || !hasLabel) {
    throw new OptionError({
      option: "dataset",
      problem: "has no fields image and label",
      found: schema.fields.map(({ name }) => name).join(", "),
      fix: "train with the library: its step function takes any batch",
    });
  }
  if (field.kind === "bytes") {
    if (flags.size === undefined)
      throw new OptionError({
        option: "size",
        problem: "is missing: the dataset keeps encoded images of any size",
        fix: "say --size 224, for example",
      });
    return { height: flags.size, width: flags.size, channels: 3 };
  }
  const [height = 0, width = 0, channels = 0] = (field as TensorField).shape;
  return { height: flags.size ?? height, width: flags.size ?? width, channels };
}

function tellBackend({ backend, passedOver }: Selection, flags: TrainingFlags, io: Io): void {
  if (flags.quiet || flags.json) return;
  for (const { what, reason } of passedOver) io.stderr.write(`backend: not ${what}: ${reason}\n`);
  io.stderr.write(`backend: ${backend.name}, ${backend.device}\n`);
}
