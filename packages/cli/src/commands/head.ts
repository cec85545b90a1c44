import { OptionError, type Dataset, type DatasetSplit } from "@millrace/formats";
import type { CommandModule } from "yargs";
import { datasetFlags, targetOf, type DatasetFlags } from "../dataset-flags.js";
import { numberFlag, textFlag } from "../flag.js";
import { print, printJson, type Io } from "../io.js";
import { formatCount, formatTable } from "../table.js";
import type { ValueSummary } from "../value-summary.js";

interface HeadFlags extends DatasetFlags {
  readonly split: string | undefined;
  readonly samples: number;
}

/** What `head` tells of a sample, as it prints it with `--json`. */
interface SampleSummary {
  /** Its position in the split. */
  readonly index: number;
  readonly fields: readonly ({ readonly name: string } & ValueSummary)[];
}

/** `millrace head`: the first samples, in a few numbers each. */
export function headCommand(io: Io): CommandModule {
  return {
    command: "head <dataset..>",
    describe: "Show the first samples of a dataset: shapes, ranges, sizes, texts, classes",
    builder: (yargs) =>
      datasetFlags(yargs)
        .option("split", textFlag("Name of the split; default train, else the first"))
        .option("samples", { ...numberFlag("How many samples"), alias: "n", default: 5 })
        .example("$0 head shards/ -n 3", "Do the images have the labels that they should?")
        .example("$0 head 'shard-{000..009}.tar' --json", "The first samples of files that others made"),
    handler: async (args) => {
      const { openDataset } = await import("@millrace/formats");
      const flags = args as unknown as HeadFlags;
      checkSamples(flags.samples);
      const { paths, ...options } = await targetOf(flags);
      await using dataset = await openDataset(paths, options);
      const split = splitOf(dataset, flags.split);
      const samples = await firstSamples(dataset, split, flags.samples, io.signal);
      if (flags.json) printJson(io, { path: dataset.root, split: split.name, length: split.length, samples });
      else print(io, await textOf(dataset, split, samples));
    },
  };
}

function checkSamples(samples: number): void {
  if (Number.isSafeInteger(samples) && samples > 0) return;
  throw new OptionError({
    option: "samples",
    problem: "is impossible",
    expected: "an integer from 1 up",
    found: String(samples),
  });
}

function splitOf(dataset: Dataset, name: string | undefined): DatasetSplit {
  if (name !== undefined) return dataset.split(name);
  return dataset.splits.find((split) => split.name === "train") ?? dataset.splits[0] ?? dataset.split("train");
}

async function firstSamples(
  dataset: Dataset,
  split: DatasetSplit,
  count: number,
  signal: AbortSignal,
): Promise<readonly SampleSummary[]> {
  const { summarizeValue } = await import("../value-summary.js");
  const samples: SampleSummary[] = [];
  for (let index = 0; index < Math.min(count, split.length); index++) {
    signal.throwIfAborted();
    const sample = await split.read(index);
    const fields = dataset.schema.fields.flatMap((field) => {
      const value = sample.get(field.name);
      return value === undefined ? [] : [{ name: field.name, ...summarizeValue(field, value, dataset.classes) }];
    });
    samples.push({ index, fields });
  }
  return samples;
}

async function textOf(dataset: Dataset, split: DatasetSplit, samples: readonly SampleSummary[]): Promise<string> {
  const { summaryText } = await import("../value-summary.js");
  const rows = samples.map(({ index, fields }) => [String(index), ...fields.map((field) => summaryText(field))]);
  const title = `${dataset.root}: ${formatCount(samples.length)} of ${formatCount(split.length)} samples of ${split.name}`;
  return `${title}\n\n${formatTable(["sample", ...dataset.schema.fields.map(({ name }) => name)], rows)}`;
}
