import type { LossName, MetricName, OptimizerName, ScheduleName } from "@millrace/train";
import type { Argv } from "yargs";
import { numberFlag, switchFlag, textFlag } from "./flag.js";
import type { TrainingFlags } from "./training-flags.js";

/** The flags of `millrace train`: how the weights change, when the run ends, and what it leaves. */
export function trainFlags(yargs: Argv): Argv {
  return runFlags(yargs, "run").option("resume", switchFlag("Go on from the newest checkpoint in --out"));
}

/**
 * Those that `train` and `sweep` share.
 * @param out - The folder unless another is named.
 */
export function runFlags(yargs: Argv, out: string): Argv {
  return keepFlags(endFlags(updateFlags(yargs)), out);
}

function updateFlags(yargs: Argv): Argv {
  return yargs
    .option("optimizer", { ...textFlag("sgd, adam or adamw"), default: "adam" })
    .option("momentum", { ...numberFlag("Of sgd"), default: 0.9 })
    .option("weight-decay", numberFlag("Of adamw and sgd, kernels only (default: 0.01 for adamw, 0 for sgd)"))
    .option("schedule", { ...textFlag("cosine or constant learning rate"), default: "cosine" })
    .option("warmup-steps", { ...numberFlag("Steps in which the learning rate grows"), default: 0 })
    .option("clip-norm", numberFlag("Highest norm of all gradients together"))
    .option("loss", { ...textFlag("crossEntropy or focal"), default: "crossEntropy" })
    .option("label-smoothing", numberFlag("Of crossEntropy: share of the target that all classes get, 0 to 1"))
    .option("focal-gamma", numberFlag("Of focal: how much less easy samples count (default: 2)"))
    .option("focal-alpha", numberFlag("Of focal: weight of all classes (default: 1)"))
    .option("ema", numberFlag("Decay of a moving average of the weights, 0.999 for example"));
}

function endFlags(yargs: Argv): Argv {
  return yargs
    .option("epochs", { ...numberFlag("Passes over the split train"), default: 5 })
    .option("validate-every", { ...numberFlag("Epochs from one validation on the split val to the next"), default: 1 })
    .option("metric", textFlag("Which epoch is best: validationLoss, validationAccuracy, loss or accuracy"))
    .option("early-stop", numberFlag("End when the metric got no better so many times"))
    .option("min-delta", { ...numberFlag("What counts as better"), default: 0 })
    .option("restore-best", {
      ...switchFlag("With --early-stop: the saved model is the best one; --no-restore-best: the last"),
      default: true,
    })
    .option("deadline-ms", numberFlag("Longest time of a batch or a step (default: 300000)"));
}

function keepFlags(yargs: Argv, out: string): Argv {
  return yargs
    .option("out", { ...textFlag("Folder for checkpoints, reports and the model"), default: out })
    .option("log", textFlag("Logs in --out, as a list: tensorboard,csv,ndjson"))
    .option("checkpoint-steps", numberFlag("Steps from one checkpoint to the next (default: one an epoch)"))
    .option("keep", { ...numberFlag("Checkpoints that stay, the newest; best.safetensors stays besides"), default: 3 });
}

/** The values of {@link trainFlags}, and those that it shares with `profile`. */
export interface TrainFlags extends TrainingFlags {
  readonly optimizer: OptimizerName;
  readonly momentum: number;
  readonly weightDecay: number | undefined;
  readonly schedule: ScheduleName;
  readonly warmupSteps: number;
  readonly clipNorm: number | undefined;
  readonly loss: LossName;
  readonly labelSmoothing: number | undefined;
  readonly focalGamma: number | undefined;
  readonly focalAlpha: number | undefined;
  readonly ema: number | undefined;
  readonly epochs: number;
  readonly validateEvery: number;
  readonly metric: MetricName | undefined;
  readonly earlyStop: number | undefined;
  readonly minDelta: number;
  readonly restoreBest: boolean;
  readonly deadlineMs: number | undefined;
  readonly out: string;
  readonly log: string | undefined;
  readonly resume: boolean;
  readonly checkpointSteps: number | undefined;
  readonly keep: number;
}
