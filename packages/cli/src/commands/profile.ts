import { errorFromData, writeFileAtomic } from "@millrace/formats";
import type { ProfileReport, SpanLog } from "@millrace/train/profile";
import type { CommandModule } from "yargs";
import { print, type Io } from "../io.js";
import { checkProfileFlags, profileFlags, type ProfileFlags } from "../profile-flags.js";
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
  const { formatReport, reportToHtml, reportToJson, reportToTrace, SpanLog } = await import("@millrace/train/profile");
  const { openProfileTarget } = await import("../profile-target.js");
  await using target = await openProfileTarget(flags, io);
  const spans = flags.trace === undefined ? undefined : new SpanLog();
  const report = await measure(flags, target, spans, io);
  if (flags.html !== undefined) await writeFileAtomic(flags.html, reportToHtml(report));
  if (flags.trace !== undefined && spans !== undefined)
    await writeFileAtomic(flags.trace, reportToTrace(report, spans));
  const { failure } = report;
  if (flags.json) io.stdout.write(reportToJson(report));
  else if (failure === undefined || report.budget.steps > 0)
    print(io, `${formatReport(report)}${flags.html === undefined ? "" : `\nreport: ${flags.html}`}`);
  if (failure === undefined) return;
  const { code = null, reason, text: problem } = failure;
  throw errorFromData({ code, detail: { problem, reason }, stack: undefined });
}

async function measure(
  flags: ProfileFlags,
  { open, step, fence, facts }: ProfileTarget,
  spans: SpanLog | undefined,
  io: Io,
): Promise<ProfileReport> {
  const { profile, profileAndApply } = await import("@millrace/train/profile");
  const { ProfileDisplay } = await import("../profile-display.js");
  const { steps, warmupSteps, scaling, apply, dataset, history: file } = flags;
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
    history: file === undefined ? undefined : { file, dataset },
    onProgress: display.show,
  };
  if (apply) return await profileAndApply({ ...options, open, phases, onApply: display.showChange });
  await using loader = await open({});
  return await profile({ ...options, loader, phases: flags.phases && phases });
}
