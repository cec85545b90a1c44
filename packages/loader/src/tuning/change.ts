import type { PipelineModel } from "./pipeline-model.js";

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
  return {
    ...model,
    batchSize,
    numWorkers: change.numWorkers ?? model.numWorkers,
    prefetchDepth: change.prefetchDepth ?? model.prefetchDepth,
    cores: change.cores ?? model.cores,
    prepCpuMs: model.prepCpuMs * prepFactor,
    fetchLatencyMs: (model.fetchLatencyMs * (limit === undefined ? Math.max(1, bytesFactor) : 1)) / storageFactor,
    storageBytesPerSec: limit === undefined ? undefined : limit * storageFactor,
    bytesPerSample: model.bytesPerSample * bytesFactor,
    cacheFraction: change.cacheFraction ?? model.cacheFraction,
    computeMs: stepMs * stepFactor,
    computeCpuMs: model.computeCpuMs * cpuFactor,
    computeFixedMs: fixedMs * stepFactor,
    scaling: model.scaling.map(({ numWorkers, samplesPerSec }) => ({
      numWorkers,
      samplesPerSec: samplesPerSec / prepFactor,
    })),
    batchBytes: model.batchBytes * batchFactor,
  };
}
