import type { LoaderFacts, LoaderStats, LoaderVariant } from "@millrace/loader";
import { BatchSource } from "../batch-source.js";
import { measureBlocks, type BlockLimits, type Blocks, type Warmup } from "./measure-blocks.js";
import type { LoaderToDrain, MeasurableLoader } from "./measurable-loader.js";
import type { PhaseContext } from "./phase-context.js";

/** What the workers did for a sample, in ms. */
export interface WorkerMs {
  /** Reading, blocked. */
  readonly fetchMs: number;
  /** Decoding and transforming. */
  readonly prepMs: number;
  /** CPU time; `undefined` where the system does not tell it. */
  readonly cpuMs: number | undefined;
  /** Bytes that were read for it. */
  readonly readBytes: number;
  /**
   * What storage gave, and not the page cache, over these bytes: above 1 where it gives whole pages, and reads ahead.
   * `undefined` where the system does not tell.
   */
  readonly diskFraction: number | undefined;
}

/** A loader that was drained: its batches were taken and nothing was done with them. */
export interface Drained {
  readonly blocks: Blocks;
  readonly worker: WorkerMs;
  readonly facts: LoaderFacts;
  /** Batches taken, warm-up included. */
  readonly taken: number;
}

/** What a drained source says of itself: batches give their size, or the caller does. */
function drainer(
  source: BatchSource<unknown>,
  { watch, samplesPerBatch }: PhaseContext,
): () => Promise<number | undefined> {
  return async () => {
    const turn = watch.between();
    if (turn !== undefined) await turn;
    const next = await source.next(watch, source.batches);
    return next === undefined ? undefined : (samplesPerBatch ?? next.size ?? Number.NaN);
  };
}

/** Takes batches of an iterable, begun again, and does nothing with them. */
export async function drain(
  iterable: AsyncIterable<unknown> | Iterable<unknown>,
  limits: BlockLimits,
  context: PhaseContext,
  onWarm?: () => void,
): Promise<{ readonly blocks: Blocks; readonly taken: number }> {
  const source = new BatchSource(iterable);
  try {
    const blocks = await measureBlocks(drainer(source, context), limits, context.clock, onWarm);
    return { blocks, taken: source.batches };
  } finally {
    await source.close();
  }
}

/** What a loader and the system have counted so far. */
export interface Counts extends Pick<LoaderStats, "readBytes" | "samples" | "stages" | "workerCpuMs"> {
  /** Bytes that storage gave to the process; `undefined` where the system does not tell. */
  readonly diskBytes: number | undefined;
}

/** What has been counted by now. */
export function countsOf(loader: Pick<MeasurableLoader, "stats">, { diskReadBytes }: DiskCounter): Counts {
  const { readBytes, samples, stages, workerCpuMs } = loader.stats();
  return { readBytes, samples, stages, workerCpuMs, diskBytes: diskReadBytes() };
}

interface DiskCounter {
  readonly diskReadBytes: () => number | undefined;
}

/** What the workers did for a sample between two counts. */
export function workerMs(before: Counts, after: Counts): WorkerMs {
  const samples = after.samples - before.samples;
  const perSample = (sum: number): number => (samples > 0 ? Math.max(0, sum) / samples : 0);
  const between = (from: number | undefined, to: number | undefined): number | undefined =>
    from === undefined || to === undefined ? undefined : perSample(to - from);
  const readBytes = perSample(after.readBytes - before.readBytes);
  const diskBytes = between(before.diskBytes, after.diskBytes);
  return {
    fetchMs: perSample(after.stages.fetchMs - before.stages.fetchMs),
    prepMs: perSample(after.stages.prepMs - before.stages.prepMs),
    cpuMs: between(before.workerCpuMs, after.workerCpuMs),
    readBytes,
    diskFraction: diskBytes === undefined || readBytes === 0 ? undefined : diskBytes / readBytes,
  };
}

/**
 * Samples that a worker prepares before its code is compiled: threads start with none. Of JPEGs the first hundred take
 * twice the CPU time of those after five hundred.
 */
const WARMUP_SAMPLES = 512;
/** The same in ms, for samples of which many are made in that time. */
const WARMUP_MS = 500;

/** Opens the loader with one thing changed, drains it, and closes it. */
export async function drainVariant(
  loader: MeasurableLoader,
  change: LoaderVariant,
  limits: Omit<BlockLimits, "warmup">,
  context: PhaseContext,
): Promise<Drained> {
  const variant = await opened(loader.variant(change), context);
  try {
    const facts = variant.facts();
    let before = countsOf(variant, context);
    const warmup = warmupOf(facts, change, limits);
    const { blocks, taken } = await drain(variant, { ...limits, warmup }, context, () => {
      before = countsOf(variant, context);
    });
    return { blocks, taken, facts, worker: workerMs(before, countsOf(variant, context)) };
  } finally {
    await variant.close();
  }
}

/** What the ring holds when the first batch comes was made at another pace, and while threads were still starting. */
function warmupOf(
  { prefetchDepth, numWorkers }: LoaderFacts,
  { stages = "all" }: LoaderVariant,
  { ms, totalBatches = Infinity }: Omit<BlockLimits, "warmup">,
): Warmup {
  const batches = prefetchDepth + 2;
  if (stages === "fetch") return { batches, mostMs: ms / 2 };
  const samples = WARMUP_SAMPLES * Math.max(1, numWorkers);
  return {
    batches,
    samples,
    leastMs: Math.min(WARMUP_MS, ms / 4),
    mostMs: ms,
    mostBatches: Math.max(batches, totalBatches / 2),
  };
}

/** Waits for a loader to open; one that comes too late is closed again. */
async function opened(opening: Promise<LoaderToDrain>, { watch }: PhaseContext): Promise<LoaderToDrain> {
  let isLate = false;
  opening.then(
    (loader) => (isLate ? loader.close() : undefined),
    () => undefined,
  );
  try {
    return await watch.wait(opening, "batch", 0);
  } catch (error) {
    isLate = true;
    throw error;
  }
}
