import { OptionError, type Schema, type TensorField } from "@millrace/formats";
import {
  horizontalFlip,
  randomResizedCrop,
  resize,
  sequential,
  shuffle,
  type Inject,
  type LoaderOptions,
} from "@millrace/loader";
import type { TrainingFlags } from "./training-flags.js";

/** Height, width and channels of the images that a model gets. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** The flags that say how images are loaded, and what of {@link Inject} is asked for. */
export type LoadFlags = Pick<
  TrainingFlags,
  "augment" | "batchSize" | "cropArea" | "numWorkers" | "prefetchDepth" | "seed" | "size"
> & { readonly readAhead?: boolean | undefined; readonly inject?: Partial<Inject> | undefined };

/**
 * The images of a dataset, as the flags want them.
 * @throws OptionError if there are none with labels, or of no known size.
 */
export function imageOf(schema: Schema, flags: Pick<TrainingFlags, "size">): ImageShape {
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

/** How the split `train` is loaded: shuffled, and with the changes at random that the flags name. */
export function trainingLoaderOptions(
  flags: LoadFlags,
  { height, width }: ImageShape,
  signal: AbortSignal,
): LoaderOptions {
  const { batchSize, numWorkers, prefetchDepth, readAhead, seed, inject } = flags;
  const crop = randomResizedCrop([height, width], { scale: [flags.cropArea, 1] });
  const transforms = [
    ...(flags.augment.startsWith("crop") ? [crop] : resizes(flags)),
    ...(flags.augment.endsWith("flip") ? [horizontalFlip()] : []),
  ];
  const fields = ["image", "label"];
  const order = shuffle({ seed });
  return { batchSize, numWorkers, prefetchDepth, readAhead, fields, transforms, inject, order, signal };
}

/** What is another way for the split `val`: nothing at random, and nothing slowed down. */
export function validationOptions(flags: LoadFlags): LoaderOptions {
  return { split: "val", order: sequential(), transforms: resizes(flags), inject: undefined };
}

function resizes({ size }: LoadFlags): ReturnType<typeof resize>[] {
  return size === undefined ? [] : [resize(size)];
}
