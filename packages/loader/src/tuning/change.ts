import type { PipelineModel, ScalingPoint } from "./pipeline-model.js";

/** What could be another way. Factors multiply what is there; what is left out stays. */
export interface Change {
  readonly numWorkers?: number | undefined;
  readonly prefetchDepth?: number | undefined;
  /** CPUs that the process may use. */
  readonly cores?: number | undefined;
  /** Share of the samples that need no storage, 0 to 1. */
  readonly cacheFraction?: number | undefined;
  /** Another limit of storage. */
  readonly storageBytesPerSec?: number | undefined;
  /** Storage that is so many times as fast: more bytes a second, less latency. */
  readonly storageFactor?: number | undefined;
  /** So many times the bytes of a sample in storage. */
  readonly bytesFactor?: number | undefined;
  /** So many times the work of a worker for a sample. */
  readonly prepFactor?: number | undefined;
  readonly batchSize?: number | undefined;
  /** A device that is so many times as fast, the host's part of a step included. */
  readonly deviceFactor?: number | undefined;
  /** So many times the work of a step. */
  readonly modelFactor?: number | undefined;
}

/**
 * The model of a pipeline in which something is another way. Pure, without imports or closures, so that its compiled
 * text runs anywhere.
 *
 * - A batch of another size takes the fixed part of the step as it is and the rest in proportion. Where the fixed part is
 *   not known it counts as 0, so that no gain is promised.
 * - More bytes a sample block a worker longer, in proportion, unless a limit of storage is known, which then accounts for
 *   them; fewer bytes block it just as long.
 * - Points were measured with the cores that the model has. What was measured with more workers than those is what so
 *   many busy workers make as there are cores; with fewer cores the line through the points ends at these.
 */
export function changeModel(model: PipelineModel, change: Change): PipelineModel {
  const batchSize = change.batchSize ?? model.batchSize;
  const batchFactor = batchSize / model.batchSize;
  const storageFactor = change.storageFactor ?? 1;
  const bytesFactor = change.bytesFactor ?? 1;
  const prepFactor = change.prepFactor ?? 1;
  const limit = change.storageBytesPerSec ?? model.storageBytesPerSec;
  const fixedMs = Math.min(model.computeMs, model.computeFixedMs ?? 0);
  const stepMs = fixedMs + (model.computeMs - fixedMs) * batchFactor;
  const stepFactor = (change.modelFactor ?? 1) / (change.deviceFactor ?? 1);
  const cpuFactor = (model.computeMs > 0 ? stepMs / model.computeMs : batchFactor) * stepFactor;
  const cores = change.cores ?? model.cores;

  function scalingOnCores(): readonly ScalingPoint[] {
    if (cores === model.cores) return model.scaling;
    const measured = model.scaling
      .filter((point) => point.numWorkers > 0 && point.samplesPerSec > 0)
      .toSorted((a, b) => a.numWorkers - b.numWorkers);
    const full = measured.filter((point) => point.numWorkers >= model.cores);
    const points = measured.filter((point) => point.numWorkers < model.cores);
    // The best of them: with more cores no number of workers is slower than with fewer.
    const samplesPerSec = Math.max(...full.map((point) => point.samplesPerSec));
    if (full.length > 0) points.push({ numWorkers: model.cores, samplesPerSec });
    const end = Math.min(cores, model.cores);
    const next = points.find((point) => point.numWorkers >= end);
    if (next === undefined) return points;
    const before = points.filter((point) => point.numWorkers < end);
    const last = before.at(-1) ?? { numWorkers: 0, samplesPerSec: 0 };
    const part = (end - last.numWorkers) / (next.numWorkers - last.numWorkers);
    const rise = next.samplesPerSec - last.samplesPerSec;
    return [...before, { numWorkers: end, samplesPerSec: last.samplesPerSec + part * rise }];
  }

  return {
    ...model,
    batchSize,
    numWorkers: change.numWorkers ?? model.numWorkers,
    prefetchDepth: change.prefetchDepth ?? model.prefetchDepth,
    cores,
    prepCpuMs: model.prepCpuMs * prepFactor,
    fetchLatencyMs: (model.fetchLatencyMs * (limit === undefined ? Math.max(1, bytesFactor) : 1)) / storageFactor,
    storageBytesPerSec: limit === undefined ? undefined : limit * storageFactor,
    bytesPerSample: model.bytesPerSample * bytesFactor,
    cacheFraction: change.cacheFraction ?? model.cacheFraction,
    computeMs: stepMs * stepFactor,
    computeCpuMs: model.computeCpuMs * cpuFactor,
    computeFixedMs: fixedMs * stepFactor,
    scaling: scalingOnCores().map(({ numWorkers, samplesPerSec }) => ({
      numWorkers,
      samplesPerSec: samplesPerSec / prepFactor,
    })),
    batchBytes: model.batchBytes * batchFactor,
  };
}
