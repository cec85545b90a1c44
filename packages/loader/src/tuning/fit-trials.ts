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
/** What several workers are blocked in less time than two blocks of a trial take is what their start costs. */
const TELLING_MS = 200;

/**
 * The model of a loader, from trials of it; the step counts as infinitely fast. Pure.
 *
 * CPU time beyond the time of prep is that of reading. The rest of the time of fetch is that in which a worker was
 * blocked. If several workers are blocked much longer for a sample than one was, they share a limit of storage, which
 * gives as many samples as they got: `numWorkers / (blocked + busy time)`. Their code may not be compiled yet: they are
 * busy for as long as their CPU time says, if that is longer than one worker was.
 * @param alone - With one worker.
 * @param together - With several, if that was tried.
 */
export function fitTrials(known: KnownParts, alone: Trial, together: Trial | undefined): PipelineModel {
  const latencyMs = blockedMs(alone);
  const aloneMs = alone.fetchMs + alone.prepMs;
  const busyMs = aloneMs - latencyMs;
  const isLimited =
    together !== undefined &&
    together.wallMs >= TELLING_MS &&
    togetherMs(alone, together) > (1 + LIMIT_SHARE * (together.numWorkers - 1)) * aloneMs;
  const limitedMs = isLimited ? blockedMs(together) + Math.max(busyMs, together.cpuMs) : 0;
  const storageBytesPerSec = isLimited ? ((together.numWorkers * 1000) / limitedMs) * known.bytesPerSample : undefined;
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

/** What a sample takes each of several workers, in ms, if they are busy for as long as one worker alone. */
export function togetherMs(alone: Trial, together: Trial): number {
  return blockedMs(together) + alone.fetchMs + alone.prepMs - blockedMs(alone);
}

/** What a worker was blocked for a sample, in ms. */
export function blockedMs({ fetchMs, prepMs, cpuMs }: Trial): number {
  return Math.max(0, fetchMs - Math.max(0, cpuMs - prepMs));
}
