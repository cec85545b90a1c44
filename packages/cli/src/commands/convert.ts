import { FORMAT_NAMES } from "@millrace/formats";
import type { ConvertOptions, ConvertReport } from "@millrace/ingest";
import type { ArgumentsCamelCase, CommandModule } from "yargs";
import { numberFlag, switchFlag, textFlag } from "../flag.js";
import { print, printJson, type Io } from "../io.js";
import { createProgress } from "../progress.js";
import { formatBytes, formatCount, formatTable } from "../table.js";

/** `millrace convert`: raw images to shards. */
export function convertCommand(io: Io): CommandModule {
  return {
    command: "convert <source> <out>",
    describe: "Convert raw images into a dataset of shards",
    builder: (yargs) =>
      yargs
        .positional("source", {
          type: "string",
          demandOption: true,
          describe: "Folder of class folders, or of train/ and val/ with class folders",
        })
        .positional("out", { type: "string", demandOption: true, describe: "Folder of the new dataset" })
        .option("format", textFlag(`${FORMAT_NAMES.join(", ")} (default hdf5)`))
        .option(
          "mode",
          textFlag(
            "encoded keeps the bytes of the images, seekable rewrites JPEGs so that parts of them can be decoded, " +
              "raw stores pixels (default raw with --size, else encoded)",
          ),
        )
        .option("size", numberFlag("Make every image N x N: cover, centred"))
        .option(
          "compression",
          textFlag("gzip deflates the pixels of HDF5 shards, which then read slower (default none)"),
        )
        .option("samples-per-shard", numberFlag("Samples of a full shard (default 1024)"))
        .option("val-fraction", numberFlag("Share of every class that becomes the split val (default 0)"))
        .option("seed", numberFlag("Seed of the distribution over shards and splits (default 0)"))
        .option(
          "num-workers",
          numberFlag("Threads (default: the CPU budget); 0: the main thread. The result does not depend on it"),
        )
        .option("source-kind", textFlag("Kind of the source (default: detected)"))
        .option("on-reject", textFlag("skip or fail at an image that cannot be read (default skip)"))
        .option("max-rejects", numberFlag("Fail above this number of rejected images"))
        .option("max-reject-fraction", numberFlag("Fail above this share of rejected images, 0 to 1"))
        .option("overwrite", switchFlag("Replace the dataset or the unfinished conversion in <out>"))
        .option("json", switchFlag("Print one JSON document"))
        .option("quiet", { ...switchFlag("No progress"), alias: "q" })
        .example("$0 convert photos/ shards/ --format hdf5 --size 224", "Pixels of 224 x 224 in HDF5")
        .example(
          "$0 convert photos/ shards/ --format arrow --val-fraction 0.1",
          "The JPEGs as they are, in Arrow, a tenth for validation",
        )
        .epilogue("A conversion that was interrupted is finished by the same command."),
    handler: async (args) => {
      const { convert } = await import("@millrace/ingest");
      using progress = createProgress(io, "convert", args["quiet"] === true || args["json"] === true);
      const report = await convert({
        ...optionsOf(args),
        signal: io.signal,
        onProgress: ({ samples, total, rejected }) =>
          progress.update(samples + rejected, total, rejected === 0 ? "" : `${rejected} rejected`),
      });
      progress.stop();
      if (args["json"] === true) printJson(io, report);
      else print(io, textOf(report));
    },
  };
}

/** The flags that were given, under the names of the options; what was not given keeps its default. */
function optionsOf(args: ArgumentsCamelCase): ConvertOptions {
  const names = [
    "source",
    "out",
    "format",
    "mode",
    "size",
    "compression",
    "samplesPerShard",
    "valFraction",
    "seed",
    "numWorkers",
    "sourceKind",
    "onReject",
    "maxRejects",
    "maxRejectFraction",
    "overwrite",
  ];
  return Object.fromEntries(
    names.filter((name) => args[name] !== undefined).map((name) => [name, args[name]]),
  ) as unknown as ConvertOptions;
}

function textOf(report: ConvertReport): string {
  const { manifest, rejects, ignored, notSeekable } = report;
  const rows = manifest.splits.map(({ name, samples, shards }) => [name, formatCount(samples), String(shards.length)]);
  const parts = [
    `${report.out}: ${formatCount(report.samples)} samples in ${manifest.format}, ${formatBytes(report.bytes)}`,
    formatTable(["split", "samples", "shards"], rows),
  ];
  if (report.resumedShards > 0) parts.push(`${report.resumedShards} shards were there from an interrupted run`);
  if (notSeekable.length > 0)
    parts.push(`not seekable: ${notSeekable.map(([reason, images]) => `${formatCount(images)} ${reason}`).join(", ")}`);
  if (ignored.length > 0)
    parts.push(`ignored: ${ignored.map(({ count, reason }) => `${formatCount(count)} ${reason}`).join(", ")}`);
  if (rejects.length > 0) {
    const shown = rejects.slice(0, 10).map(({ key, reason, message }) => [key, reason, message]);
    parts.push(
      `${formatCount(rejects.length)} rejected, all listed in rejects.jsonl:\n${formatTable(["key", "reason", "what"], shown)}`,
    );
  }
  return parts.join("\n\n");
}
