import { errorFromData, FileError, writeFileAtomic } from "@millrace/formats";
import type { ProfileReport, SpanLog } from "@millrace/train/profile";
import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import type { CommandModule } from "yargs";
import { print, type Io } from "../io.js";
import { checkProfileFiles, checkProfileFlags, profileFlags, type ProfileFlags } from "../profile-flags.js";
import type { ProfileTarget } from "../profile-target.js";
import { trainingFlags } from "../training-flags.js";

/** `millrace profile`: where does the time of a training step go? */
export function profileCommand(io: Io): CommandModule {
  return {
    command: "profile <dataset>",
    describe: "Run training steps and say what they wait for: I/O, preparation or compute",
    builder: (yargs) =>
      profileFlags(trainingFlags(yargs))
        .example("$0 profile shards/ --batch-size 64 --steps 200", "The verdict and the budget as text")
        .example("$0 profile shards/ --html report.html", "The same as a page, with every step")
        .example("$0 profile shards/ --json | jq .verdict", "The same for programs")
        .example("$0 profile shards/ --step-ms 53", "The input alone, against a device of 53 ms a batch")
        .example("$0 profile shards/ --num-workers 1 --apply", "Change what is predicted to help, and measure it")
        .example("$0 profile shards/ --history runs.ndjson", "Compare with earlier runs")
        .example("$0 profile shards/ --inject-bytes-per-sec 20e6", "What if storage gave 20 MB/s?"),
    handler: async (args) => {
      await runProfile(args as unknown as ProfileFlags, io);
    },
  };
}

async function runProfile(flags: ProfileFlags, io: Io): Promise<void> {
  checkProfileFlags(flags);
  await checkProfileFiles(flags);
  const { formatReport, reportToJson, SpanLog } = await import("@millrace/train/profile");
  const { openProfileTarget } = await import("../profile-target.js");
  await using target = await openProfileTarget(flags, io);
  const spans = flags.trace === undefined ? undefined : new SpanLog();
  const report = await measure(flags, target, spans, io);
  const { failure, budget } = report;
  // Printed before a file is written: a disk that is full by now must not cost the report.
  if (flags.json) io.stdout.write(reportToJson(report));
  else if (failure === undefined || budget.steps > 0) print(io, formatReport(report));
  await writeFiles(flags, report, spans, io);
  throwIncomplete(report);
}

async function writeFiles(
  { html, trace, json }: ProfileFlags,
  report: ProfileReport,
  spans: SpanLog | undefined,
  io: Io,
): Promise<void> {
  const { reportToHtml, reportToTrace } = await import("@millrace/train/profile");
  if (html !== undefined) await writeFileAtomic(html, reportToHtml(report));
  if (trace !== undefined && spans !== undefined) await writeFileAtomic(trace, reportToTrace(report, spans));
  if (html !== undefined && !json) print(io, `report: ${html}`);
}

/** Throws what ended the run, or that it could not be written down, so that the exit code says so. */
function throwIncomplete({ failure, warnings }: ProfileReport): void {
  if (failure !== undefined) {
    const { code = null, reason, text: problem } = failure;
    throw errorFromData({ code, detail: { problem, reason }, stack: undefined });
  }
  const unwritten = warnings.find(({ code }) => code === "no-history");
  if (unwritten !== undefined) throw new FileError({ problem: unwritten.text });
}

async function measure(
  flags: ProfileFlags,
  { open, step, fence, facts }: ProfileTarget,
  spans: SpanLog | undefined,
  io: Io,
): Promise<ProfileReport> {
  const { profile, profileAndApply } = await import("@millrace/train/profile");
  const { ProfileDisplay } = await import("../profile-display.js");
  const { steps, warmupSteps, scaling, apply, history: file } = flags;
  const phases = { seconds: flags.phaseSeconds, scaling: scaling || apply };
  using display = new ProfileDisplay(io, flags.quiet || flags.json);
  const options = {
    step,
    fence,
    facts,
    steps,
    warmupSteps,
    spans,
    onFailure: "report" as const,
    signal: io.signal,
    history: file === undefined ? undefined : { file, dataset: await placeOf(flags.dataset) },
    onProgress: display.show,
  };
  if (apply) return await profileAndApply({ ...options, open, phases, onApply: display.showChange });
  await using loader = await open({});
  return await profile({ ...options, loader, phases: flags.phases && phases });
}

/** The same text for a dataset however its path was typed: absolute, without links where the path is one. */
async function placeOf(dataset: string): Promise<string> {
  // What is no path is a pattern of names.
  return await realpath(dataset).catch(() => resolve(dataset));
}
