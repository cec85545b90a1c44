import { writeFileAtomic } from "@millrace/formats";
import type { TrainProgress } from "@millrace/train";
import { join } from "node:path";
import type { CommandModule } from "yargs";
import { numberFlag, switchFlag, textFlag } from "../flag.js";
import { print, type Io } from "../io.js";
import { createProgress, type Progress } from "../progress.js";
import { makeRunFolder, readRunFolder } from "../run-folder.js";
import { trainingFlags, type TrainingFlags } from "../training-flags.js";

interface TrainFlags extends TrainingFlags {
  readonly epochs: number;
  readonly optimizer: "adam" | "sgd";
  readonly momentum: number;
  readonly schedule: "cosine" | "constant";
  readonly warmupSteps: number;
  readonly out: string;
  readonly resume: boolean;
}

/** `millrace train`: train a model and say where the time went. */
export function trainCommand(io: Io): CommandModule {
  return {
    command: "train <dataset>",
    describe: "Train a model on a dataset; writes checkpoints and a report",
    builder: (yargs) =>
      trainingFlags(yargs)
        .option("epochs", { ...numberFlag("Passes over the split train"), default: 5 })
        .option("optimizer", { ...textFlag("adam or sgd"), default: "adam" })
        .option("momentum", { ...numberFlag("Of sgd"), default: 0.9 })
        .option("schedule", { ...textFlag("cosine or constant learning rate"), default: "cosine" })
        .option("warmup-steps", { ...numberFlag("Steps in which the learning rate grows"), default: 0 })
        .option("out", { ...textFlag("Folder for checkpoints, report.html and report.json"), default: "run" })
        .option("resume", switchFlag("Go on from the newest checkpoint in --out"))
        .example("$0 train shards/ --model mini-resnet --epochs 3 --batch-size 64", "Train, validate on the split val")
        .example("$0 train shards/ --out run/ --resume", "Go on after an interruption, with the same batches"),
    handler: async (args) => {
      await runTrain(args as unknown as TrainFlags, io);
    },
  };
}

async function runTrain(flags: TrainFlags, io: Io): Promise<void> {
  const { formatReport, reportToHtml, reportToJson, train } = await import("@millrace/train");
  const { openTrainingRun } = await import("../training-run.js");
  const resume = await readRunFolder(flags);
  await using run = await openTrainingRun(flags, io, resume?.loaderState);
  const { loader, validation, model, backend, facts, dataset } = run;
  await makeRunFolder(flags.out);
  using progress = createProgress(io, "train", flags.quiet || flags.json);
  const { epochs, optimizer, momentum, schedule, warmupSteps, learningRate, seed } = flags;
  const report = await train({
    loader,
    validation,
    model,
    backend,
    facts,
    epochs,
    optimizer,
    momentum,
    schedule,
    warmupSteps,
    learningRate,
    seed,
    statistics: dataset.manifest?.statistics ?? undefined,
    checkpoint: { dir: flags.out },
    resume,
    signal: io.signal,
    onProgress: (event) => show(event, progress),
  });
  progress.stop();
  await writeFileAtomic(join(flags.out, "report.html"), reportToHtml(report));
  await writeFileAtomic(join(flags.out, "report.json"), reportToJson(report));
  if (flags.json) io.stdout.write(reportToJson(report));
  else print(io, `${formatReport(report)}\nreport: ${join(flags.out, "report.html")}`);
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}

function show(event: TrainProgress, progress: Progress): void {
  if (event.kind !== "steps" || event.totalSteps === undefined) return;
  const accuracy = event.accuracy === undefined ? "" : `accuracy ${percent(event.accuracy)}, `;
  const note = `epoch ${event.epoch}, loss ${event.loss.toFixed(4)}, ${accuracy}${event.samplesPerSec.toFixed(0)} samples/s, stall ${percent(event.stallFraction)}`;
  progress.update(event.step, event.totalSteps, note);
}
