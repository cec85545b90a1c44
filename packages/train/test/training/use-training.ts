import { openLoader, shuffle, type Loader } from "@millrace/loader";
import {
  selectBackend,
  train,
  type Backend,
  type StepsProgress,
  type TrainOptions,
  type TrainProgress,
  type TrainReport,
} from "@millrace/train";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { makeModel, makeStripes, STATISTICS } from "./stripes.js";

/** What tests of training share: the backend wasm, and a dataset of stripes. */
export interface Training {
  /** Open while tests run. */
  readonly backend: Backend;
  /** Opens a loader over the stripes, which is closed when the test ends. */
  readonly stripes: (options?: Parameters<typeof openLoader>[1]) => Promise<Loader>;
  /** Trains for two epochs, where the options do not say otherwise. */
  readonly run: (options: Partial<TrainOptions>) => Promise<TrainReport>;
}

/** Opens the backend and writes the dataset before the tests of a file, and removes both after them. */
export function useTraining(): Training {
  let opened: Backend;
  const folder = mkdtempSync(join(tmpdir(), "millrace-train-"));
  beforeAll(async () => {
    ({ backend: opened } = await selectBackend("wasm"));
    await makeStripes(join(folder, "data"), { train: 200, val: 60 });
  });
  afterAll(async () => {
    await opened.close();
    rmSync(folder, { recursive: true });
  });
  const stripes: Training["stripes"] = async (options = {}) => {
    const defaults = { batchSize: 32, order: shuffle({ seed: 3 }), numWorkers: 0 };
    const loader = await openLoader(join(folder, "data"), { ...defaults, ...options });
    onTestFinished(() => loader.close());
    return loader;
  };
  return {
    get backend() {
      return opened;
    },
    stripes,
    run: async (options) =>
      await train({
        loader: options.loader ?? (await stripes()),
        model: options.model ?? model(),
        backend: opened,
        epochs: 2,
        learningRate: 0.01,
        statistics: STATISTICS,
        ...options,
      }),
  };
}

/** A backend that waits for its device by `fence`. */
export function withFence(backend: Backend, fence: () => Promise<void>): Backend {
  const { name, device, isGpu, tf } = backend;
  return {
    name,
    device,
    isGpu,
    tf,
    fence,
    upload: (image, affine) => backend.upload(image, affine),
    uploadLabels: (labels) => backend.uploadLabels(labels),
    close: () => backend.close(),
    [Symbol.asyncDispose]: () => backend.close(),
  };
}

/** A model that is disposed when the test ends. */
export function model(options: Parameters<typeof makeModel>[0] = {}): LayersModel {
  const made = makeModel(options);
  onTestFinished(() => {
    made.dispose();
  });
  return made;
}

/** The numbers of all weights of a model. */
export async function weightsOf(trained: LayersModel): Promise<Float32Array[]> {
  const data: Float32Array[] = [];
  for (const weight of trained.weights) data.push(Float32Array.from(await weight.read().data()));
  return data;
}

/** A step function that does nothing. */
export function constantLoss(): { readonly loss: number } {
  return { loss: 1 };
}

/** What a run tells. */
export interface Listener {
  readonly told: TrainProgress[];
  /** Losses step by step. */
  losses: () => number[];
  listen: (progress: TrainProgress) => void;
}

/** Writes down what a run tells. */
export function listener(): Listener {
  const told: TrainProgress[] = [];
  const steps = (): StepsProgress[] => told.filter((progress) => progress.kind === "steps");
  return { told, losses: () => steps().map(({ loss }) => loss), listen: (progress) => told.push(progress) };
}
