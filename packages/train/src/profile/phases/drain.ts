import type { LoaderFacts, LoaderStats, LoaderVariant } from "@millrace/loader";
import { BatchSource } from "../batch-source.js";
import { measureBlocks, type BlockLimits, type Blocks } from "./measure-blocks.js";
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

/** What the workers did for a sample between two readings of a loader's figures. */
export function workerMs(before: Stats, after: Stats): WorkerMs {
  const samples = after.samples - before.samples;
  const perSample = (sum: number): number => (samples > 0 ? Math.max(0, sum) / samples : 0);
  const { workerCpuMs: cpuBefore } = before;
  const { workerCpuMs: cpuAfter } = after;
  return {
    fetchMs: perSample(after.stages.fetchMs - before.stages.fetchMs),
    prepMs: perSample(after.stages.prepMs - before.stages.prepMs),
    cpuMs: cpuBefore === undefined || cpuAfter === undefined ? undefined : perSample(cpuAfter - cpuBefore),
    readBytes: perSample(after.readBytes - before.readBytes),
  };
}

/** The figures of a loader that {@link workerMs} compares. */
export type Stats = Pick<LoaderStats, "readBytes" | "samples" | "stages" | "workerCpuMs">;

/** Opens the loader with one thing changed, drains it, and closes it. */
export async function drainVariant(
  loader: MeasurableLoader,
  change: LoaderVariant,
  limits: Omit<BlockLimits, "warmupBatches">,
  context: PhaseContext,
): Promise<Drained> {
  const variant = await opened(loader.variant(change), context);
  try {
    const facts = variant.facts();
    // What the ring holds when the first batch comes was made at another pace.
    const warmupBatches = Math.min(facts.prefetchDepth + 2, Math.max(2, Math.ceil(limits.batches / 4)));
    let before = variant.stats();
    const { blocks, taken } = await drain(variant, { ...limits, warmupBatches }, context, () => {
      before = variant.stats();
    });
    return { blocks, taken, facts, worker: workerMs(before, variant.stats()) };
  } finally {
    await variant.close();
  }
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
