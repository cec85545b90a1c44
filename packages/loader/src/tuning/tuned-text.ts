import type { Setting, SettingBudget } from "./choose-setting.js";
import type { PipelineModel } from "./pipeline-model.js";
import type { Trial } from "./trial.js";

/** What {@link tunedText} tells of. */
export interface TunedParts {
  readonly setting: Setting;
  readonly model: PipelineModel;
  readonly cpus: number;
  readonly room: SettingBudget;
  readonly alone: Trial | undefined;
  readonly together: Trial | undefined;
  /** Why there is no trial. */
  readonly problem: string;
  /** What the caller has said. */
  readonly said: { readonly numWorkers: boolean; readonly prefetchDepth: boolean };
}

function count(number: number, name: string): string {
  return `${number} ${name}${number === 1 ? "" : "s"}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function trialText({ numWorkers, samples, wallMs }: Trial): string {
  return `${samples} samples in ${(wallMs / 1000).toFixed(2)} s with ${count(numWorkers, "worker")}`;
}

/** What was measured, what follows from it and what it takes, in words. */
export function tunedText(parts: TunedParts): string {
  const { setting, room, said } = parts;
  const workers = `${count(setting.numWorkers, "worker")}${said.numWorkers ? ", as the caller says" : ""}`;
  const depth = `${setting.prefetchDepth} ahead${said.prefetchDepth ? ", as the caller says" : ""}`;
  const memory = `about ${megabytes(setting.memoryBytes)} of ${megabytes(room.maxMemoryBytes)}`;
  return `${workers}; ${depth}; ${memory}; ${said.numWorkers ? "nothing was measured" : reasonText(parts)}`;
}

function reasonText({ setting, model, cpus, alone, together, problem }: TunedParts): string {
  const { cores, fetchLatencyMs, prepCpuMs, storageBytesPerSec } = model;
  const left = `${cpus} CPU${cpus === 1 ? "" : "s"}, of which the consumer has one`;
  if (alone === undefined) return `nothing was measured, as ${problem}; workers for ${left}`;
  const cost = `${fetchLatencyMs.toFixed(3)} ms of waiting for storage and ${prepCpuMs.toFixed(3)} ms of CPU each`;
  const trials = `measured ${trialText(alone)}, ${cost}${together === undefined ? "" : `, and ${trialText(together)}`}`;
  const rate = `${Math.round(setting.prediction.inputPerSec)} samples/s expected`;
  if (setting.limit === "memory") return `${trials}; ${rate}; more workers do not fit`;
  if (setting.limit === "most") return `${trials}; ${rate}; autotune takes no more workers`;
  if (storageBytesPerSec !== undefined && setting.prediction.bound === "fetch")
    return `${trials}; ${rate}, as storage gives ${megabytes(storageBytesPerSec)}/s to all workers together`;
  const isLast = setting.prediction.inputPerSec * prepCpuMs >= 0.9 * 1000 * cores;
  return `${trials}; ${rate}${isLast ? `, which take all of ${left}` : ""}; more workers would not be faster`;
}
