import { changeModel } from "./change.js";
import { WORKER_BYTES } from "./measured-factors.js";
import type { PipelineModel, Prediction } from "./pipeline-model.js";
import { predict } from "./predict.js";

/** What a setting may take, and what is settled already. */
export interface SettingBudget {
  /** Bytes for batches in the making and workers together. */
  readonly maxMemoryBytes: number;
  /** Bytes for batches in the making alone. */
  readonly maxRingBytes: number;
  /** Said by the caller. */
  readonly numWorkers?: number | undefined;
  readonly prefetchDepth?: number | undefined;
}

/** Workers and depth, and what the model says of them. */
export interface Setting {
  readonly numWorkers: number;
  readonly prefetchDepth: number;
  readonly memoryBytes: number;
  readonly prediction: Prediction;
  /** Why there are not more workers: they would not be faster, or there is no room for them. */
  readonly limit: "enough" | "memory" | "most";
}

/** Threads beyond that cost more to start than they bring to most. */
export const MOST_WORKERS = 32;
/** Of numbers of workers that come this close to the best, the least is taken. */
const CLOSE_TO_BEST = 0.95;

/** Bytes of a loader: the slots, of which the step has one, and the workers. */
export function settingBytes(
  model: Pick<PipelineModel, "batchBytes">,
  numWorkers: number,
  prefetchDepth: number,
): number {
  return (prefetchDepth + 1) * model.batchBytes + numWorkers * WORKER_BYTES;
}

/** The least that a loader with workers can do with. */
export function leastBytes(
  model: Pick<PipelineModel, "batchBytes">,
  { numWorkers, prefetchDepth }: Pick<SettingBudget, "numWorkers" | "prefetchDepth">,
): number {
  return settingBytes(model, numWorkers ?? 1, prefetchDepth ?? 1);
}

/**
 * The fewest workers that feed a step of no time nearly as well as any number, and the depth that goes with them: two
 * batches for each worker, 2 to 8, as much of that as there is room for. Pure. What the caller has settled stays, whatever
 * it takes.
 */
export function chooseSetting(model: PipelineModel, budget: SettingBudget): Setting {
  const fits = (count: number): boolean =>
    settingBytes(model, count, budget.prefetchDepth ?? 2) <= budget.maxMemoryBytes;
  const all = Array.from({ length: MOST_WORKERS }, (_, at) => at + 1);
  const counts =
    budget.numWorkers === undefined ? all.filter((count) => count === 1 || fits(count)) : [budget.numWorkers];
  const settingOf = (numWorkers: number): Setting => {
    const prefetchDepth = budget.prefetchDepth ?? depthOf(model, numWorkers, budget);
    const prediction = predict(changeModel(model, { numWorkers, prefetchDepth }));
    const memoryBytes = settingBytes(model, numWorkers, prefetchDepth);
    return { numWorkers, prefetchDepth, memoryBytes, prediction, limit: "enough" };
  };
  const settings = counts.map(settingOf);
  const last = settings.at(-1) as Setting;
  const best = Math.max(...settings.map(({ prediction }) => prediction.samplesPerSec));
  const twice = predict(changeModel(model, { numWorkers: 2 * last.numWorkers, prefetchDepth: last.prefetchDepth }));
  if (budget.numWorkers === undefined && CLOSE_TO_BEST * twice.samplesPerSec > best)
    return { ...last, limit: last.numWorkers === MOST_WORKERS ? "most" : "memory" };
  return settings.find(({ prediction }) => prediction.samplesPerSec >= CLOSE_TO_BEST * best) as Setting;
}

function depthOf(model: PipelineModel, numWorkers: number, budget: SettingBudget): number {
  const room = Math.min(budget.maxRingBytes, budget.maxMemoryBytes - numWorkers * WORKER_BYTES);
  const most = Math.floor(room / model.batchBytes) - 1;
  return Math.max(1, Math.min(most, 8, Math.max(2, 2 * numWorkers)));
}
