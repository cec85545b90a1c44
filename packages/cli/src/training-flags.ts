import type { Argv } from "yargs";

/** What happens to training images at random. */
const AUGMENTS = ["none", "crop", "flip", "crop-flip"] as const;

/** The flags that `train` and `profile` share: what is loaded, what trains on it, and where. */
export function trainingFlags(yargs: Argv): Argv {
  return yargs
    .positional("dataset", { type: "string", demandOption: true, describe: "Folder with a dataset.json" })
    .option("model", { type: "string", default: "lenet", describe: "lenet or mini-resnet" })
    .option("backend", { type: "string", default: "auto", describe: "auto, tensorflow, wasm or cpu" })
    .option("batch-size", { type: "number", default: 64, describe: "Samples of a step" })
    .option("size", {
      type: "number",
      describe: "Resize images to N x N; needed where the dataset keeps encoded images",
    })
    .option("augment", {
      type: "string",
      default: "none",
      choices: AUGMENTS,
      describe: "Random resized crop, and horizontal flip",
    })
    .option("crop-area", {
      type: "number",
      default: 0.08,
      describe: "Smallest share of an image that a crop keeps, 0 to 1",
    })
    .option("seed", { type: "number", default: 0, describe: "Seed of the order, the augmentation and the weights" })
    .option("num-workers", { type: "number", describe: "Loader threads (default: the CPU budget less one)" })
    .option("prefetch-depth", { type: "number", describe: "Batches ready or in the making" })
    .option("learning-rate", { type: "number", default: 0.001, describe: "Highest learning rate" })
    .option("json", { type: "boolean", default: false, describe: "Print the report as one JSON document" })
    .option("quiet", { alias: "q", type: "boolean", default: false, describe: "No progress" });
}

/** The values of {@link trainingFlags}. */
export interface TrainingFlags {
  readonly dataset: string;
  readonly model: string;
  readonly backend: string;
  readonly batchSize: number;
  readonly size: number | undefined;
  readonly augment: (typeof AUGMENTS)[number];
  readonly cropArea: number;
  readonly seed: number;
  readonly numWorkers: number | undefined;
  readonly prefetchDepth: number | undefined;
  readonly learningRate: number;
  readonly json: boolean;
  readonly quiet: boolean;
}
