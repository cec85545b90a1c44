import type { PipelineModel } from "./pipeline-model.js";
import type { Trial } from "./trial.js";

/** What is known of a loader before it is tried. */
export type KnownParts = Pick<
  PipelineModel,
  "batchSize" | "numWorkers" | "prefetchDepth" | "cores" | "bytesPerSample" | "batchBytes"
>;

/**
 * Storage that serves one worker at a time makes n of them take n times as long. Where it is more than this share of that,
 * they have met a limit; less is what a busy machine does, which wakes them late.
 */
const LIMIT_SHARE = 0.35;

/**
 * The model of a loader, from trials of it; the step counts as infinitely fast. Pure.
 *
 * CPU time beyond the time of prep is that of reading. The rest of the time of fetch is that in which a worker was
 * blocked. If several workers are blocked much longer for a sample than one was, they share a limit of storage, which gives as
 * many samples as they got: `numWorkers / (blocked + busy time)`.
 * @param alone - With one worker.
 * @param together - With several, if that was tried.
 */
export function fitTrials(known: KnownParts, alone: Trial, together: Trial | undefined): PipelineModel {
  const latencyMs = blockedMs(alone);
  const busyMs = alone.fetchMs + alone.prepMs - latencyMs;
  const aloneMs = latencyMs + busyMs;
  const togetherMs = together === undefined ? 0 : blockedMs(together) + busyMs;
  const isLimited = together !== undefined && togetherMs > (1 + LIMIT_SHARE * (together.numWorkers - 1)) * aloneMs;
  const storageBytesPerSec = isLimited ? ((together.numWorkers * 1000) / togetherMs) * known.bytesPerSample : undefined;
  return {
    ...known,
    prepCpuMs: alone.cpuMs,
    fetchLatencyMs: latencyMs,
    storageBytesPerSec,
    cacheFraction: 0,
    computeMs: 0,
    computeCpuMs: 0,
    scaling: [],
  };
}

function blockedMs({ fetchMs, prepMs, cpuMs }: Trial): number {
  return Math.max(0, fetchMs - Math.max(0, cpuMs - prepMs));
}
