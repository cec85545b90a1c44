import { FORMAT_NAMES, type FormatName } from "@millrace/formats";
import type { Argv, Options, PositionalOptions } from "yargs";
import { switchFlag, textFlag } from "./flag.js";

/** The flags that the commands have in common that look at a dataset: inspect, head, verify. */
export interface DatasetFlags {
  /** A folder, or files and patterns of files. */
  readonly dataset: readonly string[];
  readonly format: string | undefined;
  readonly json: boolean;
}

const DATASET: PositionalOptions & { type: "string" } = {
  type: "string",
  array: true,
  demandOption: true,
  describe: "Folder with a dataset.json, or files of shards: data.h5 'shard-{000..009}.tar' '*.tfrecord'",
};

const OPTIONS: Readonly<Record<"format" | "json", Options>> = {
  format: textFlag(`Format of files that do not tell it: ${FORMAT_NAMES.join(", ")}`),
  json: switchFlag("Print one JSON document"),
};

/** Declares {@link DatasetFlags} for a command whose line is `name <dataset..>`. */
export function datasetFlags(yargs: Argv): Argv {
  // Of arguments that repeat, yargs would keep the last, and takes several datasets for such.
  const parser = yargs.parserConfiguration({ "duplicate-arguments-array": true });
  return parser.positional("dataset", DATASET).options(OPTIONS);
}

/**
 * The dataset and the format that the flags name, for `openDataset` and `verifyDataset`.
 * @throws OptionError for a format that there is not.
 */
export async function targetOf(flags: DatasetFlags): Promise<{ paths: readonly string[]; format?: FormatName }> {
  const { openFormat } = await import("@millrace/formats");
  return flags.format === undefined
    ? { paths: flags.dataset }
    : { paths: flags.dataset, format: (await openFormat(flags.format)).name };
}
