import { openDataset, OptionError, type Dataset, type Statistics } from "@millrace/formats";
import { openLoader, sequential, type Loader, type LoaderOptions } from "@millrace/loader";
import { loadModel, selectBackend, type Backend, type BackendName, type Fact } from "@millrace/train";
import type { CompressFlags } from "./compress-flags.js";
import type { Io } from "./io.js";
import { imageOf, trainingLoaderOptions, validationOptions, type ImageShape } from "./training-loader.js";

/** The model, as the library has it. */
type Model = Awaited<ReturnType<typeof loadModel>>;

/** A model, the dataset that it is for, and a backend, all open. */
export interface CompressRun extends AsyncDisposable {
  readonly model: Model;
  readonly backend: Backend;
  /** Over the split `train`, shuffled and augmented. */
  readonly loader: Loader;
  /** Over the split `val`. */
  readonly validation: Loader;
  /** Opens a loader over the split `train`, in order and with nothing at random, as a model in use has it. */
  readonly openInput: () => Promise<Loader>;
  readonly statistics: Statistics | undefined;
  readonly facts: readonly Fact[];
}

/**
 * Opens what the flags name. Changes nothing.
 * @throws OptionError if model and dataset do not fit each other; StateError, UnsupportedError or FileError if the model
 * cannot be read; BackendError if the backend does not work here.
 */
export async function openCompressRun(flags: CompressFlags, io: Io): Promise<CompressRun> {
  const closers: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  try {
    return { ...(await openParts(flags, io, closers)), [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openParts(
  flags: CompressFlags,
  io: Io,
  closers: (() => Promise<void> | void)[],
): Promise<Omit<CompressRun, keyof AsyncDisposable>> {
  const dataset = await openDataset(flags.dataset);
  closers.push(() => dataset.close());
  checkSplits(dataset);
  const { backend } = await selectBackend(flags.backend as BackendName | "auto");
  closers.push(async () => await backend.close());
  const model = await loadModel(flags.model);
  closers.push(() => void model.dispose());
  const image = checkFit(model, dataset, flags);
  const sized = { ...flags, size: flags.size ?? sizeFor(dataset, image) };
  const options = trainingLoaderOptions(sized, image, io.signal);
  const open = async (more: LoaderOptions): Promise<Loader> => {
    const loader = await openLoader(flags.dataset, { ...options, ...more });
    closers.push(() => loader.close());
    return loader;
  };
  const loader = await open({});
  const validation = await open(validationOptions(sized));
  return {
    model,
    backend,
    loader,
    validation,
    openInput: async () => await open({ ...validationOptions(sized), split: "train", order: sequential() }),
    statistics: dataset.manifest?.statistics ?? undefined,
    facts: [
      { name: "model", value: flags.model },
      {
        name: "dataset",
        value: `${dataset.root}, ${dataset.format}, ${loader.samples} to fine-tune on, ${validation.samples} to measure on`,
      },
      { name: "backend", value: `${backend.name}, ${backend.device}` },
      { name: "fine-tuning", value: `${flags.epochs} epochs a step, batches of ${flags.batchSize}` },
    ],
  };
}

function checkSplits(dataset: Dataset): void {
  for (const name of ["train", "val"]) {
    if (dataset.splits.some((split) => split.name === name && split.length > 0)) continue;
    throw new OptionError({
      option: "dataset",
      file: dataset.root,
      problem: `has no split ${name}${name === "val" ? " to measure accuracy on" : ""}`,
      found: dataset.splits.map((split) => split.name).join(", "),
      fix: "convert it with --val-fraction 0.1, for example",
    });
  }
}

/** The images that the model takes, if the dataset has such images and as many classes. */
function checkFit(model: Model, dataset: Dataset, flags: Pick<CompressFlags, "model" | "size">): ImageShape {
  const [input] = model.inputs;
  const [output] = model.outputs;
  const [, height, width, channels] = input?.shape ?? [];
  const wanted = { height: height ?? undefined, width: width ?? undefined, channels: channels ?? undefined };
  const size = flags.size ?? (isEncoded(dataset) ? wanted.height : undefined);
  const image = imageOf(dataset.schema, { size });
  const fits =
    input?.shape.length === 4 &&
    (wanted.height ?? image.height) === image.height &&
    (wanted.width ?? image.width) === image.width &&
    (wanted.channels ?? image.channels) === image.channels;
  if (!fits) {
    throw new OptionError({
      option: "dataset",
      file: dataset.root,
      problem: "has no images for this model",
      expected: shapeText((input?.shape ?? []).slice(1)),
      found: shapeText([image.height, image.width, image.channels]),
      fix:
        wanted.channels === image.channels && wanted.height === wanted.width && wanted.height !== undefined
          ? `name the dataset that the model was trained on, or resize: --size ${wanted.height}`
          : "name the dataset that the model was trained on",
    });
  }
  const outputs = output?.shape.at(-1);
  const classes = dataset.classes.length;
  if (classes === 0 || Math.max(2, classes) === outputs) return image;
  throw new OptionError({
    option: "dataset",
    file: dataset.root,
    problem: "has other classes than this model",
    expected: `${outputs} classes, as the model has outputs`,
    found: String(classes),
    fix: "name the dataset that the model was trained on",
  });
}

function isEncoded({ schema }: Dataset): boolean {
  return schema.fields.some(({ name, kind }) => name === "image" && kind === "bytes");
}

/** The size that encoded images are brought to; pixels of a fixed shape stay as they are. */
function sizeFor(dataset: Dataset, image: ImageShape): number | undefined {
  return isEncoded(dataset) ? image.height : undefined;
}

function shapeText(shape: readonly (number | null)[]): string {
  return `[${shape.map((size) => size ?? "any").join(", ")}]`;
}
