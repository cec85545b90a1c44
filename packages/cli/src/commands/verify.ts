import { CorruptShardError, type VerifyReport } from "@millrace/formats";
import type { CommandModule } from "yargs";
import { datasetFlags, targetOf, type DatasetFlags } from "../dataset-flags.js";
import { switchFlag } from "../flag.js";
import { print, printJson, type Io } from "../io.js";
import { createProgress } from "../progress.js";
import { formatBytes, formatCount, formatTable } from "../table.js";

/** Damages that the text shows. */
const SHOWN_DAMAGES = 50;

interface VerifyFlags extends DatasetFlags {
  readonly quiet: boolean;
}

/** `millrace verify`: is every byte what was written? Exit code 3 if not. */
export function verifyCommand(io: Io): CommandModule {
  return {
    command: "verify <dataset..>",
    describe: "Read every byte of a dataset and compare it with its checksums",
    builder: (yargs) =>
      datasetFlags(yargs)
        .option("quiet", { ...switchFlag("No progress"), alias: "q" })
        .example("$0 verify shards/", "Names every damaged sample; exit code 3 if there is one"),
    handler: async (args) => {
      const { verifyDataset } = await import("@millrace/formats");
      const flags = args as unknown as VerifyFlags;
      const { paths, ...options } = await targetOf(flags);
      using progress = createProgress(io, "verify", flags.quiet || flags.json);
      const report = await verifyDataset(paths, {
        ...options,
        signal: io.signal,
        onProgress: ({ shards, total }) => progress.update(shards, total),
      });
      progress.stop();
      if (flags.json) printJson(io, report);
      else print(io, textOf(report));
      if (!report.ok) {
        throw new CorruptShardError({
          file: paths.join(" "),
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
    .slice(0, SHOWN_DAMAGES)
    .map(({ kind, file, sample, field, byte, message }) => [
      kind,
      file,
      String(sample ?? ""),
      field ?? "",
      String(byte ?? ""),
      message,
    ]);
  const more = report.damages.length - rows.length;
  return [
    `${sum}: ${report.damages.length} damages`,
    formatTable(["damage", "shard", "sample", "field", "byte", "what"], rows),
    ...(more > 0 ? [`... and ${formatCount(more)} more; --json lists all`] : []),
  ].join("\n\n");
}
