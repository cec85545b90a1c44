import { openLoader, type BatchSpan, type EpochSpan, type WorkerDeath } from "@millrace/loader";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, it, onTestFinished } from "vitest";
import { samplesOf } from "./batch-log.js";
import { makeDataset } from "./make-dataset.js";
import { transformOf } from "./make-transform.js";

/** What is published on a channel until the test ends. */
function listen<T>(name: string): T[] {
  const heard: T[] = [];
  const onMessage = (message: unknown): void => void heard.push(message as T);
  subscribe(name, onMessage);
  onTestFinished(() => void unsubscribe(name, onMessage));
  return heard;
}

describe("the diagnostics channels", () => {
  it("tell of each batch and each epoch", async () => {
    const batches = listen<BatchSpan>("millrace:loader:batch");
    const epochs = listen<EpochSpan>("millrace:loader:epoch");
    const { path } = await makeDataset({ samples: 20 });
    await using loader = await openLoader(path, { batchSize: 8, numWorkers: 1 });
    await samplesOf(loader);
    for await (const _ of loader) break;
    expect(batches.map(({ epoch, step, size }) => [epoch, step, size])).toEqual([
      [0, 0, 8],
      [0, 1, 8],
      [0, 2, 4],
      [1, 0, 8],
    ]);
    for (const { startMs, endMs, stallMs } of batches) expect(endMs - startMs).toBeGreaterThanOrEqual(stallMs);
    expect(epochs.map(({ epoch, isWhole }) => [epoch, isWhole])).toEqual([
      [0, true],
      [1, false],
    ]);
  });

  it("tell of a worker that died, which the stats count", async () => {
    const deaths = listen<WorkerDeath>("millrace:loader:worker");
    const { path } = await makeDataset({ samples: 20 });
    const transforms = [transformOf("if (context.sample === 3) process.exit(5);")];
    await using loader = await openLoader(path, { batchSize: 4, numWorkers: 1, transforms, onBadSample: "skip" });
    await samplesOf(loader);
    expect(deaths.map(({ worker, sample }) => [worker, sample])).toEqual([
      [0, 3],
      [0, 3],
    ]);
    expect(loader.stats()).toMatchObject({ deadWorkers: 2, skippedSamples: 1, decoder: undefined });
    expect(loader.stats().cpuFraction).toBeGreaterThan(0);
  });
});
