import { makeFolder, writeFileAtomic } from "@millrace/formats";
import type { TrainOptions, TrainProgress, TrainReport } from "@millrace/train";
import { dirname } from "node:path";
import type { Io } from "./io.js";
import { openLogs } from "./log-flag.js";
import { isFinished, missingFiles, readRunFolder, runFiles } from "./run-folder.js";
import type { TrainFlags } from "./train-flags.js";

/**
 * Trains as the flags say, from the newest checkpoint if they say so, and writes model, reports and logs. Of a run that is
 * finished only those files are written that are missing.
 * @param tell - Told how far it is.
 */
export async function trainOnce(
  flags: TrainFlags,
  io: Io,
  tell: (progress: TrainProgress) => void,
): Promise<TrainReport> {
  const { reportToHtml, reportToJson, sampleKeys, saveModel, train } = await import("@millrace/train");
  const { openTrainingRun } = await import("./training-run.js");
  const resume = await readRunFolder(flags);
  const isOver = resume !== undefined && isFinished(resume, flags);
  const due = isOver ? await missingFiles(flags.out, resume) : new Set(Object.values(runFiles(flags.out)));
  await using run = await openTrainingRun(flags, io, resume?.loaderState);
  const { loader, validation, model, backend, facts, dataset } = run;
  await makeFolder(flags.out, "make the folder of the run");
  const report = await train({
    ...optionsOf(flags),
    loader,
    validation,
    model,
    backend,
    facts,
    resume,
    onProgress: tell,
    observers: await openLogs(flags),
    statistics: dataset.manifest?.statistics ?? undefined,
    sampleKeys: sampleKeys(dataset.split("train")),
    signal: io.signal,
  });
  const { model: modelFile, html, json } = runFiles(flags.out);
  if (due.has(modelFile)) await saveModel(model, dirname(modelFile));
  if (due.has(html)) await writeFileAtomic(html, reportToHtml(report));
  if (due.has(json)) await writeFileAtomic(json, reportToJson(report));
  return report;
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
