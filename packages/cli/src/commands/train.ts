import type { TrainProgress } from "@millrace/train";
import type { CommandModule } from "yargs";
import { print, type Io } from "../io.js";
import { createProgress, type Progress } from "../progress.js";
import { runFiles } from "../run-folder.js";
import { trainFlags, type TrainFlags } from "../train-flags.js";
import { trainOnce } from "../train-once.js";
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
        .example("$0 train shards/ --log tensorboard,csv", "Then: tensorboard --logdir run/")
        .example("$0 train shards/ --epochs 100 --early-stop 5 --metric validationAccuracy", "Until it gets no better"),
    handler: async (args) => {
      await runTrain(args as unknown as TrainFlags, io);
    },
  };
}

async function runTrain(flags: TrainFlags, io: Io): Promise<void> {
  using progress = createProgress(io, "train", flags.quiet || flags.json);
  let saved: string | undefined;
  const report = await trainOnce(flags, io, (event) => {
    if (event.kind === "checkpoint") saved = event.path;
    show(event, progress);
  }).catch((error: unknown) => {
    progress.stop();
    if (saved !== undefined && !flags.quiet) io.stderr.write(`saved: ${saved}; go on with --resume\n`);
    throw error;
  });
  progress.stop();
  const { formatReport, reportToJson } = await import("@millrace/train");
  const { html, model } = runFiles(flags.out);
  if (flags.json) io.stdout.write(reportToJson(report));
  else print(io, `${formatReport(report)}\nreport: ${html}\nmodel: ${model}`);
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
