import type { ActivationName } from "@millrace/train";
import type { Argv } from "yargs";
import { numberFlag, switchFlag, textFlag } from "./flag.js";

/** What happens to training images at random. */
const AUGMENTS = ["none", "crop", "flip", "crop-flip"] as const;

/** The flags that `train` and `profile` share: what is loaded, what trains on it, and where. */
export function trainingFlags(yargs: Argv): Argv {
  const flags = yargs
    .positional("dataset", { type: "string", demandOption: true, describe: "Folder with a dataset.json" })
    .option("model", { ...textFlag("lenet, mini-resnet or resnet18"), default: "lenet" })
    .option("activation", { ...textFlag("relu, leakyRelu, gelu or swish"), default: "relu" });
  return loadingFlags(flags);
}

/** Those that `compress` shares with them: how samples are loaded, and where they are computed with. */
export function loadingFlags(yargs: Argv): Argv {
  return yargs
    .option("backend", { ...textFlag("auto, tensorflow, wasm or cpu"), default: "auto" })
    .option("batch-size", { ...numberFlag("Samples of a step"), default: 64 })
    .option("size", numberFlag("Resize images to N x N; needed where the dataset keeps encoded images"))
    .option("augment", { ...textFlag("Random resized crop, and horizontal flip"), default: "none", choices: AUGMENTS })
    .option("crop-area", { ...numberFlag("Smallest share of an image that a crop keeps, 0 to 1"), default: 0.08 })
    .option("seed", { ...numberFlag("Seed of the order, the augmentation and the weights"), default: 0 })
    .option("num-workers", numberFlag("Loader threads (default: the CPU budget less one)"))
    .option("prefetch-depth", numberFlag("Batches ready or in the making"))
    .option("read-ahead", switchFlag("Read all shards into memory, beside the first epoch, if they fit"))
    .option("learning-rate", { ...numberFlag("Highest learning rate"), default: 0.001 })
    .option("json", switchFlag("Print the report as one JSON document"))
    .option("quiet", { ...switchFlag("No progress"), alias: "q" });
}

/** The values of {@link trainingFlags}. */
export interface TrainingFlags {
  readonly dataset: string;
  readonly model: string;
  readonly activation: ActivationName;
  readonly backend: string;
  readonly batchSize: number;
  readonly size: number | undefined;
  readonly augment: (typeof AUGMENTS)[number];
  readonly cropArea: number;
  readonly seed: number;
  readonly numWorkers: number | undefined;
  readonly prefetchDepth: number | undefined;
  readonly readAhead: boolean;
  readonly learningRate: number;
  readonly json: boolean;
  readonly quiet: boolean;
}
