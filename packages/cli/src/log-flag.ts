import type { RunLogName, TrainObserver } from "@millrace/train";
import type { TrainFlags } from "./train-flags.js";

/**
 * The logs that `--log` names, with what tells this run from others.
 * @throws OptionError for an unknown one.
 */
export async function openLogs(flags: TrainFlags): Promise<TrainObserver[]> {
  const { createRunLog } = await import("@millrace/train");
  const { out: dir, model, optimizer, learningRate, batchSize, schedule, loss, augment, seed } = flags;
  const settings = { model, optimizer, learningRate, batchSize, schedule, loss, augment, seed };
  return namesIn(flags.log ?? "").map((name) => createRunLog(name as RunLogName, { dir, settings }));
}

function namesIn(list: string): string[] {
  return [...new Set(list.split(",").map((name) => name.trim()))].filter((name) => name !== "");
}
