import { setImmediate as nextTurn } from "node:timers/promises";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { Backend } from "../backends/backend.js";
import type { Clock } from "../clock.js";
import { quantile } from "../time-budget.js";
import type { LatencyReport, SpeedReport } from "./compress-report.js";

/** A model whose speed is to be measured, as a function that loads it from what it is stored as. */
export type LoadModel = () => Promise<LayersModel>;

/** How speed is measured. */
export interface SpeedContext {
  readonly backend: Backend;
  readonly clock: Clock;
  /** Time for the forward passes of a model, in ms, about. */
  readonly ms: number;
  readonly signal: AbortSignal | undefined;
}

/** Images of a forward pass. */
export const BATCH_SIZES: readonly number[] = [1, 64];
const LOADS = 5;
const WARMUP_PASSES = 2;
const LEAST_PASSES = 5;
const MOST_PASSES = 200;

/**
 * Measures how fast models are, in turns, so that a machine that is busy for a while slows all of them down alike: loading,
 * forward passes of {@link BATCH_SIZES} images with the outputs read back, and the memory of the largest. Images are
 * random.
 */
export async function measureSpeed(
  loaders: readonly LoadModel[],
  context: SpeedContext,
): Promise<readonly SpeedReport[]> {
  const { models, loadMs } = await loadInTurns(loaders, context);
  try {
    const latencies: LatencyReport[][] = models.map(() => []);
    for (const batchSize of BATCH_SIZES) {
      const found = await measurePasses(models, batchSize, context);
      for (const [index, latency] of found.entries()) latencies[index]?.push(latency);
    }
    const reports: SpeedReport[] = [];
    for (const [index, model] of models.entries())
      reports.push({
        loadMs: quantile(loadMs[index] ?? [], 0.5),
        latency: latencies[index] ?? [],
        peakMemoryBytes: await peakBytes(model, context.backend),
      });
    return reports;
  } finally {
    for (const model of models) model.dispose();
  }
}

interface Loaded {
  readonly models: LayersModel[];
  /** Times of every load, by model. */
  readonly loadMs: readonly (readonly number[])[];
}

async function loadInTurns(loaders: readonly LoadModel[], { backend, clock, signal }: SpeedContext): Promise<Loaded> {
  const times: number[][] = loaders.map(() => []);
  const models: LayersModel[] = [];
  try {
    for (let round = 0; round < LOADS; round++) {
      for (const [index, load] of loaders.entries()) {
        await turn(signal);
        const start = clock.now();
        const model = await load();
        await backend.fence();
        times[index]?.push(clock.now() - start);
        models[index]?.dispose();
        models[index] = model;
      }
    }
    return { models, loadMs: times };
  } catch (error) {
    for (const model of models) model.dispose();
    throw error;
  }
}

async function measurePasses(
  models: readonly LayersModel[],
  batchSize: number,
  { backend, clock, ms, signal }: SpeedContext,
): Promise<LatencyReport[]> {
  const times: number[][] = models.map(() => []);
  const images = models.map((model) => imagesFor(model, batchSize, backend));
  try {
    const end = clock.now() + (ms * models.length) / BATCH_SIZES.length;
    for (let pass = -WARMUP_PASSES; pass < MOST_PASSES; pass++) {
      if (pass >= LEAST_PASSES && clock.now() >= end) break;
      await turn(signal);
      for (const index of pass % 2 === 0 ? models.keys() : [...models.keys()].toReversed()) {
        const passMs = await timePass(models[index] as LayersModel, images[index] as Tensor, clock);
        if (pass >= 0) times[index]?.push(passMs);
      }
    }
  } finally {
    for (const tensor of images) tensor.dispose();
  }
  return times.map((all) => ({
    batchSize,
    p50Ms: quantile(all, 0.5),
    p95Ms: quantile(all, 0.95),
    passes: all.length,
  }));
}

async function timePass(model: LayersModel, images: Tensor, clock: Clock): Promise<number> {
  const start = clock.now();
  const output = model.predict(images) as Tensor;
  await output.data();
  const passMs = clock.now() - start;
  output.dispose();
  return passMs;
}

/** Weights, images and what the forward pass makes, at its height. */
async function peakBytes(model: LayersModel, backend: Backend): Promise<number> {
  const { tf } = backend;
  const images = imagesFor(model, Math.max(...BATCH_SIZES), backend);
  const others = tf.memory().numBytes;
  let output: Tensor | undefined;
  try {
    const { peakBytes: peak } = await tf.profile(() => {
      output = model.predict(images) as Tensor;
      return output;
    });
    const weights = model.weights.reduce((sum, weight) => sum + bytesOf(weight.shape), 0);
    return peak - others + weights + bytesOf(images.shape);
  } finally {
    output?.dispose();
    images.dispose();
  }
}

function bytesOf(shape: readonly (number | null)[]): number {
  return 4 * shape.reduce<number>((product, size) => product * (size ?? 1), 1);
}

function imagesFor(model: LayersModel, batchSize: number, { tf }: Backend): Tensor {
  const shape = (model.inputs[0]?.shape ?? []).slice(1).map((size) => size ?? 1);
  return tf.randomNormal([batchSize, ...shape], 0, 1, "float32", 1);
}

/** Lets signals and timers have their turn. */
async function turn(signal: AbortSignal | undefined): Promise<void> {
  await nextTurn();
  signal?.throwIfAborted();
}
