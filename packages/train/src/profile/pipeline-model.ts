import { freeMemory, rankChanges, type LoaderFacts, type PipelineModel, type ScalingPoint } from "@millrace/loader";
import type { WhatIfRow } from "../report/report.js";
import type { Drained } from "./phases/drain.js";
import type { ColdPhase } from "./phases/loader-phases.js";
import type { Synthetic } from "./phases/measure-synthetic.js";

/** Samples in the making blur a count of bytes over a few batches. */
const COUNT_ERROR = 0.2;

/** What a model is made from. */
export interface ModelParts {
  readonly synthetic: Synthetic;
  readonly memory: Drained | undefined;
  readonly cold: ColdPhase | undefined;
  readonly scaling: readonly ScalingPoint[];
}

/**
 * The model of a run, from what its phases measured; `undefined` where the step or the loader in memory was not measured.
 */
export function modelOf({ synthetic, memory, cold, scaling }: ModelParts): PipelineModel | undefined {
  const samplesPerSec = memory?.blocks.samplesPerSec;
  if (memory === undefined || samplesPerSec === undefined || synthetic.computeMs === undefined) return undefined;
  const { facts, worker } = memory;
  const { computeMs, report } = synthetic;
  const samplesPerStep = ((report.samplesPerSec ?? 0) * computeMs) / 1000;
  // The step was measured on a batch that may have been short.
  const batchShare = samplesPerStep > 0 ? facts.batchSize / samplesPerStep : 1;
  const limitPerSec = cold?.curve?.limitPerSec;
  const bytesPerSample = bytesOf(cold, facts);
  return {
    ...sizesOf(facts),
    prepCpuMs: worker.cpuMs ?? busyMs(facts, samplesPerSec),
    fetchLatencyMs: cold?.curve?.latencyMs ?? worker.fetchMs,
    storageBytesPerSec: limitPerSec === undefined ? undefined : limitPerSec * bytesPerSample,
    bytesPerSample,
    cacheFraction: cold?.cachedFraction ?? 0,
    computeMs: computeMs * batchShare,
    computeCpuMs: synthetic.computeCpuMs * batchShare,
    scaling: withPoint(scaling, facts.numWorkers, samplesPerSec),
  };
}

/** What a sample takes a worker of P, all of it work, where the CPU time is not known: as without workers. */
function busyMs({ numWorkers, cpus }: LoaderFacts, samplesPerSec: number): number {
  return (1000 * Math.max(1, Math.min(numWorkers, cpus))) / samplesPerSec;
}

/** P is one more point, but not of a loader without workers, nor where the number was measured again. */
function withPoint(
  scaling: readonly ScalingPoint[],
  numWorkers: number,
  samplesPerSec: number,
): readonly ScalingPoint[] {
  const isKnown = numWorkers === 0 || scaling.some((point) => point.numWorkers === numWorkers);
  return isKnown ? scaling : [...scaling, { numWorkers, samplesPerSec }];
}

/** What was read for a sample, or what a whole sample has where the two differ by no more than what a count is off. */
function bytesOf(cold: ColdPhase | undefined, { storedBytesPerSample }: LoaderFacts): number {
  const read = cold?.bytesPerSample ?? 0;
  return read === 0 || Math.abs(read / storedBytesPerSample - 1) < COUNT_ERROR ? storedBytesPerSample : read;
}

function sizesOf(
  facts: LoaderFacts,
): Pick<PipelineModel, "batchBytes" | "batchSize" | "cores" | "numWorkers" | "prefetchDepth"> {
  const { batchSize, numWorkers, prefetchDepth, cpus, batchBytes } = facts;
  return { batchSize, numWorkers, prefetchDepth, cores: cpus, batchBytes };
}

/** What is known of the data of a run. */
export type DataFacts = Pick<LoaderFacts, "canReadAhead" | "datasetBytes" | "storedAs">;

/** What the changes that help would bring, best first. */
export function whatIf(model: PipelineModel, data: DataFacts): WhatIfRow[] {
  return rankChanges(model, { ...data, maxMemoryBytes: freeMemory() }).map(
    ({ name, change, needs, needsHardware, prediction, gain }) => ({
      name,
      change,
      needs,
      needsHardware,
      samplesPerSec: prediction.samplesPerSec,
      gain,
      bound: prediction.bound,
    }),
  );
}
