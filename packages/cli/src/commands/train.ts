import { writeFileAtomic } from "@millrace/formats";
import type { TrainOptions, TrainProgress } from "@millrace/train";
import { join } from "node:path";
import type { CommandModule } from "yargs";
import { print, type Io } from "../io.js";
import { createProgress, type Progress } from "../progress.js";
import { makeRunFolder, readRunFolder } from "../run-folder.js";
import { trainFlags, type TrainFlags } from "../train-flags.js";
import { trainingFlags } from "../training-flags.js";

/** `millrace train`: train a model and say where the time went. */
export function trainCommand(io: Io): CommandModule {
  return {
    command: "train <dataset>",
    describe: "Train a model on a dataset; writes checkpoints, the model and a report",
    builder: (yargs) =>
      trainFlags(trainingFlags(yargs))
        .example("$0 train shards/ --model mini-resnet --epochs 3 --batch-size 64", "Train, validate on the split val")
        .example("$0 train shards/ --out run/ --resume", "Go on after an interruption, with the same batches")
        .example("$0 train shards/ --optimizer adamw --weight-decay 0.05 --warmup-steps 500 --ema 0.999", "A recipe")
        .example("$0 train shards/ --loss focal --clip-norm 1", "Rare classes")
        .example("$0 train shards/ --epochs 100 --early-stop 5 --metric validationAccuracy", "Until it gets no better"),
    handler: async (args) => {
      await runTrain(args as unknown as TrainFlags, io);
    },
  };
}

async function runTrain(flags: TrainFlags, io: Io): Promise<void> {
  const { formatReport, reportToHtml, reportToJson, sampleKeys, saveModel, train } = await import("@millrace/train");
  const { openTrainingRun } = await import("../training-run.js");
  const resume = await readRunFolder(flags);
  await using run = await openTrainingRun(flags, io, resume?.loaderState);
  const { loader, validation, model, backend, facts, dataset } = run;
  await makeRunFolder(flags.out);
  using progress = createProgress(io, "train", flags.quiet || flags.json);
  let saved: string | undefined;
  const onProgress = (event: TrainProgress): void => {
    if (event.kind === "checkpoint") saved = event.path;
    show(event, progress);
  };
  const report = await train({
    ...optionsOf(flags),
    loader,
    validation,
    model,
    backend,
    facts,
    resume,
    onProgress,
    statistics: dataset.manifest?.statistics ?? undefined,
    sampleKeys: sampleKeys(dataset.split("train")),
    signal: io.signal,
  }).catch((error: unknown) => {
    progress.stop();
    if (saved !== undefined && !flags.quiet) io.stderr.write(`saved: ${saved}; go on with --resume\n`);
    throw error;
  });
  progress.stop();
  const file = await saveModel(model, join(flags.out, "model"));
  await writeFileAtomic(join(flags.out, "report.html"), reportToHtml(report));
  await writeFileAtomic(join(flags.out, "report.json"), reportToJson(report));
  if (flags.json) io.stdout.write(reportToJson(report));
  else print(io, `${formatReport(report)}\nreport: ${join(flags.out, "report.html")}\nmodel: ${file}`);
}

/** The options of `train` that are flags of the same name. */
function optionsOf(flags: TrainFlags): Omit<TrainOptions, "loader" | "model" | "backend"> {
  const { out: dir, checkpointSteps: everySteps, keep } = flags;
  return {
    optimizer: flags.optimizer,
    momentum: flags.momentum,
    weightDecay: flags.weightDecay,
    learningRate: flags.learningRate,
    schedule: flags.schedule,
    warmupSteps: flags.warmupSteps,
    clipNorm: flags.clipNorm,
    loss: flags.loss,
    labelSmoothing: flags.labelSmoothing,
    focalGamma: flags.focalGamma,
    focalAlpha: flags.focalAlpha,
    ema: flags.ema,
    seed: flags.seed,
    epochs: flags.epochs,
    validateEvery: flags.validateEvery,
    metric: flags.metric,
    minDelta: flags.minDelta,
    earlyStop: flags.earlyStop,
    restoreBest: flags.restoreBest,
    deadlineMs: flags.deadlineMs,
    checkpoint: { dir, everySteps, keep },
  };
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
