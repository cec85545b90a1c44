import type { Change } from "./change.js";
import type { PipelineModel } from "./pipeline-model.js";

/** Batches ready or in the making that a loader with workers has by itself: two a worker, at least two, at most eight. */
export function defaultPrefetchDepth(numWorkers: number): number {
  return Math.min(8, Math.max(2, 2 * numWorkers));
}

/**
 * Another number of workers. A run without workers has no batch in the making: with workers it has as many as
 * {@link defaultPrefetchDepth} says. Pure, without imports or closures, so that its compiled text runs anywhere.
 */
export function workersChange(model: Pick<PipelineModel, "prefetchDepth">, numWorkers: number): Change {
  if (model.prefetchDepth >= 1 || numWorkers < 1) return { numWorkers };
  return { numWorkers, prefetchDepth: Math.min(8, 2 * numWorkers) };
}
