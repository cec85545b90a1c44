import { writeFileAtomic } from "@millrace/formats";
import type { CommandModule } from "yargs";
import { numberFlag, textFlag } from "../flag.js";
import { print, type Io } from "../io.js";
import { createProgress } from "../progress.js";
import { trainingFlags, type TrainingFlags } from "../training-flags.js";

interface ProfileFlags extends TrainingFlags {
  readonly steps: number;
  readonly warmupSteps: number;
  readonly html: string | undefined;
}

/** `millrace profile`: where does the time of a training step go? */
export function profileCommand(io: Io): CommandModule {
  return {
    command: "profile <dataset>",
    describe: "Run training steps and say what they wait for: I/O, preparation or compute",
    builder: (yargs) =>
      trainingFlags(yargs)
        .option("steps", { ...numberFlag("Steps to measure"), default: 200 })
        .option("warmup-steps", { ...numberFlag("Steps before them, not measured"), default: 10 })
        .option("html", textFlag("Write the report as one HTML page to this file"))
        .example("$0 profile shards/ --batch-size 64 --steps 200", "The verdict and the budget as text")
        .example("$0 profile shards/ --html report.html", "The same as a page, with every step")
        .example("$0 profile shards/ --json | jq .verdict", "The same for programs"),
    handler: async (args) => {
      await runProfile(args as unknown as ProfileFlags, io);
    },
  };
}

async function runProfile(flags: ProfileFlags, io: Io): Promise<void> {
  const { createModelStep, formatReport, profile, reportToHtml, reportToJson } = await import("@millrace/train");
  const { openTrainingRun } = await import("../training-run.js");
  await using run = await openTrainingRun(flags, io);
  const { backend, model, loader, facts } = run;
  using training = createModelStep({
    model,
    backend,
    statistics: run.dataset.manifest?.statistics ?? undefined,
    learningRate: flags.learningRate,
  });
  using progress = createProgress(io, "profile", flags.quiet || flags.json);
  const total = flags.steps + flags.warmupSteps;
  let done = 0;
  const report = await profile({
    loader,
    step: (batch, context) => {
      progress.update(++done, total);
      return training.step(batch, context);
    },
    fence: () => backend.fence(),
    steps: flags.steps,
    warmupSteps: flags.warmupSteps,
    facts: [...facts, { name: "backend", value: `${backend.name}, ${backend.device}` }],
    signal: io.signal,
  });
  progress.stop();
  if (flags.html !== undefined) await writeFileAtomic(flags.html, reportToHtml(report));
  if (flags.json) io.stdout.write(reportToJson(report));
  else print(io, `${formatReport(report)}${flags.html === undefined ? "" : `\nreport: ${flags.html}`}`);
}
