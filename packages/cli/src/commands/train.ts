import { fileError, OptionError, writeFileAtomic } from "@millrace/formats";
import type { Checkpoint, TrainProgress } from "@millrace/train";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { CommandModule } from "yargs";
import { print, type Io } from "../io.js";
import { createProgress, type Progress } from "../progress.js";
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
        .option("epochs", { type: "number", default: 5, describe: "Passes over the split train" })
        .option("optimizer", { type: "string", default: "adam", describe: "adam or sgd" })
        .option("momentum", { type: "number", default: 0.9, describe: "Of sgd" })
        .option("schedule", { type: "string", default: "cosine", describe: "cosine or constant learning rate" })
        .option("warmup-steps", { type: "number", default: 0, describe: "Steps in which the learning rate grows" })
        .option("out", {
          type: "string",
          default: "run",
          describe: "Folder for checkpoints, report.html and report.json",
        })
        .option("resume", { type: "boolean", default: false, describe: "Go on from the newest checkpoint in --out" })
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
  const resume = await openOut(flags);
  await using run = await openTrainingRun(flags, io, resume?.loaderState);
  const { loader, validation, model, backend, facts, dataset } = run;
  const progress = createProgress(io, "train", flags.quiet || flags.json);
  const { epochs, optimizer, momentum, schedule, warmupSteps, learningRate, seed } = flags;
  try {
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
  } finally {
    progress.stop();
  }
}

/** Makes the folder of the run, and reads where to go on. A folder with another run's checkpoints is not touched. */
async function openOut({ out, resume }: TrainFlags): Promise<Checkpoint | undefined> {
  try {
    await mkdir(out, { recursive: true });
  } catch (error) {
    throw fileError(out, "create the folder", error);
  }
  const hasCheckpoint = (await readdir(out)).some((name) => name.endsWith(".safetensors"));
  if (!resume && hasCheckpoint) {
    throw new OptionError({
      option: "out",
      file: out,
      problem: "holds the checkpoints of another run",
      fix: "add --resume to go on with it, or name another folder",
    });
  }
  if (resume && !hasCheckpoint) {
    throw new OptionError({
      option: "resume",
      file: out,
      problem: "there is no checkpoint to go on from",
      fix: "leave --resume out for a fresh run",
    });
  }
  if (!resume) return undefined;
  const { readCheckpoint } = await import("@millrace/train");
  return await readCheckpoint(out);
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
