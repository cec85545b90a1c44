import { FileError, isMillraceError, OptionError, writeFileAtomic } from "@millrace/formats";
import type { CompressReport, CompressResult } from "@millrace/train/compress";
import { join } from "node:path";
import type { CommandModule } from "yargs";
import { CompressDisplay } from "../compress-display.js";
import { checkOut, defaultOut, fillSomeFolder } from "../compress-folder.js";
import { compressFlags, numbersOf, wordsOf, type CompressFlags } from "../compress-flags.js";
import type { CompressRun } from "../compress-run.js";
import { print, type Io } from "../io.js";

/** `millrace compress`: a smaller model that loses no more accuracy than is allowed. */
export function compressCommand(io: Io): CommandModule {
  return {
    command: "compress <model>",
    describe: "Prune and quantise a model: the smallest that loses no more accuracy than is allowed",
    builder: (yargs) =>
      compressFlags(yargs)
        .example("$0 compress run/model --dataset shards/ --max-accuracy-drop 0.01", "At most one point of accuracy")
        .example("$0 compress run/model --dataset shards/ --max-accuracy-drop 0.005 --filters 1", "Keep all filters")
        .example("$0 compress run/model --dataset shards/ --max-accuracy-drop 0.001 --sparsity 0 --bits 8", "Only int8")
        .example(
          "$0 compress run/model --dataset shards/ --max-accuracy-drop 0.01 --json | jq .chosen",
          "For programs",
        ),
    handler: async (args) => {
      await runCompress(args as unknown as CompressFlags, io);
    },
  };
}

async function runCompress(flags: CompressFlags, io: Io): Promise<void> {
  const options = {
    maxAccuracyDrop: flags.maxAccuracyDrop,
    filterShares: numbersOf("filters", flags.filters),
    sparsities: numbersOf("sparsity", flags.sparsity),
    bits: numbersOf("bits", flags.bits),
    ignore: wordsOf(flags.ignore),
    epochs: flags.epochs,
    exhaustive: flags.exhaustive,
    speedSeconds: flags.speedSeconds,
    learningRate: flags.learningRate,
    seed: flags.seed,
  };
  const out = flags.out ?? (await defaultOut(flags.model));
  await checkOut(out, flags.model);
  const { openCompressRun } = await import("../compress-run.js");
  const { compressModel, compressReportToJson, formatCompressReport } = await import("@millrace/train/compress");
  await using run = await openCompressRun(flags, io);
  using display = new CompressDisplay(io, flags.quiet || flags.json);
  const { model, backend, loader, validation, statistics, facts } = run;
  const given = { model, backend, loader, validation, statistics, facts, signal: io.signal };
  const result = await compressModel({ ...options, ...given, onProgress: display.show });
  const { report, failure } = await withLink(result, run, flags, io, display);
  const written = result.packed === undefined ? undefined : await writeResult(out, report, result.packed);
  display[Symbol.dispose]();
  if (flags.json) io.stdout.write(compressReportToJson(report));
  else print(io, `${formatCompressReport(report)}${written === undefined ? "" : `\n${filesText(written.folder)}`}`);
  if (written === undefined) throw await notMet(report);
  if (written.error !== undefined) throw elsewhere(out, written.folder, written.error);
  if (failure !== undefined) throw failure;
}

/** The error of a result that lies in another folder than it was meant to. */
function elsewhere(out: string, folder: string, cause: unknown): unknown {
  if (!isMillraceError(cause)) return cause;
  const fix = `the result is in ${folder}: move it from there`;
  return new FileError({ file: out, problem: cause.detail.problem, found: cause.detail.found, fix, cause });
}

/** Adds what the smaller model asks of the loader. A failure is returned, so that the search was not for nothing. */
async function withLink(
  { report, packed }: CompressResult,
  { model: before, backend, openInput, statistics }: CompressRun,
  flags: CompressFlags,
  io: Io,
  display: CompressDisplay,
): Promise<{ readonly report: CompressReport; readonly failure?: unknown }> {
  if (packed === undefined || !flags.link) return { report };
  const { dequantizeModel, measureLink, unpackModel } = await import("@millrace/train/compress");
  display.line("compress: measuring what the smaller model asks of the loader");
  const after = await dequantizeModel(unpackModel(packed));
  try {
    const loader = await openInput();
    const link = await measureLink({ before, after, backend, loader, statistics, signal: io.signal });
    return { report: link === undefined ? report : { ...report, link } };
  } catch (failure) {
    return { report, failure };
  } finally {
    after.dispose();
  }
}

/** Writes the packed model, the same for TensorFlow.js, and the reports, as {@link fillSomeFolder} does. */
async function writeResult(out: string, report: CompressReport, packed: Uint8Array): ReturnType<typeof fillSomeFolder> {
  const { compressReportToHtml, compressReportToJson, dequantizeModel, unpackModel } =
    await import("@millrace/train/compress");
  const { saveModel } = await import("@millrace/train");
  const model = await dequantizeModel(unpackModel(packed));
  try {
    return await fillSomeFolder(out, async (folder) => {
      await writeFileAtomic(join(folder, "model.packed"), packed);
      await saveModel(model, join(folder, "model"));
      await writeFileAtomic(join(folder, "report.json"), compressReportToJson(report));
      await writeFileAtomic(join(folder, "report.html"), compressReportToHtml(report));
    });
  } finally {
    model.dispose();
  }
}

function filesText(out: string): string {
  const files = ["packed: model.packed", "model: model/model.json", "report: report.html"];
  return files.map((line) => line.replace(": ", `: ${join(out, "/")}`)).join("\n");
}

async function notMet(report: CompressReport): Promise<OptionError> {
  const { nearestText } = await import("@millrace/train/compress");
  return new OptionError({
    option: "maxAccuracyDrop",
    problem: "no setting stays within it, so nothing is written",
    expected: `at most ${(100 * report.maxAccuracyDrop).toFixed(2)} points lost`,
    found: `nearest: ${nearestText(report)}`,
    fix: "allow more, add gentler settings to --filters, --sparsity and --bits, or raise --epochs",
  });
}
