import { CorruptShardError, FORMAT_NAMES, type VerifyReport } from "@millrace/formats";
import type { CommandModule } from "yargs";
import { switchFlag, textFlag } from "../flag.js";
import { print, printJson, type Io } from "../io.js";
import { createProgress } from "../progress.js";
import { formatBytes, formatCount, formatTable } from "../table.js";

interface VerifyFlags {
  readonly dataset: string;
  readonly format: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** `millrace verify`: is every byte what was written? Exit code 3 if not. */
export function verifyCommand(io: Io): CommandModule {
  return {
    command: "verify <dataset>",
    describe: "Read every byte of a dataset and compare it with its checksums",
    builder: (yargs) =>
      yargs
        .positional("dataset", {
          type: "string",
          demandOption: true,
          describe: "Folder with a dataset.json, or one shard file",
        })
        .option("format", textFlag(`Format of a file whose extension does not tell it: ${FORMAT_NAMES.join(", ")}`))
        .option("json", switchFlag("Print one JSON document"))
        .option("quiet", { ...switchFlag("No progress"), alias: "q" })
        .example("$0 verify shards/", "Names every damaged sample; exit code 3 if there is one"),
    handler: async (args) => {
      const { openFormat, verifyDataset } = await import("@millrace/formats");
      const flags = args as unknown as VerifyFlags;
      const path = flags.dataset;
      const format = flags.format === undefined ? undefined : (await openFormat(flags.format)).name;
      using progress = createProgress(io, "verify", flags.quiet || flags.json);
      const report = await verifyDataset(path, {
        format,
        signal: io.signal,
        onProgress: ({ shards, total }) => progress.update(shards, total),
      });
      progress.stop();
      if (flags.json) printJson(io, report);
      else print(io, textOf(report));
      if (!report.ok) {
        throw new CorruptShardError({
          file: path,
          problem: `${report.damages.length} damages were found`,
          fix: "copy the damaged files again, or repeat the conversion",
        });
      }
    },
  };
}

function textOf(report: VerifyReport): string {
  const sum = `${formatCount(report.samples)} samples in ${report.shards} shards, ${formatBytes(report.bytes)}`;
  if (report.ok)
    return report.checksummed
      ? `${sum}: every byte is what was written`
      : `${sum}: readable; without a manifest nothing says what the bytes should be`;
  const rows = report.damages
    .slice(0, 50)
    .map((damage) => [
      damage.kind,
      damage.file,
      damage.sample === undefined ? "" : String(damage.sample),
      damage.field ?? "",
      damage.message,
    ]);
  const more = report.damages.length > 50 ? `\n... and ${report.damages.length - 50} more` : "";
  return `${sum}: ${report.damages.length} damages\n\n${formatTable(["damage", "file", "sample", "field", "what"], rows)}${more}`;
}
