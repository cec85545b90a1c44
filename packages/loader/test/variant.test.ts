import { isMillraceError } from "@millrace/formats";
import { openLoader, randomResizedCrop, resize, shuffle, type Loader, type LoaderVariant } from "@millrace/loader";
import { openSync, renameSync, writeSync, closeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { linesOf, samplesOf } from "./batch-log.js";
import { makeDataset } from "./make-dataset.js";
import { makeSeekable } from "./make-seekable.js";
import { transformOf } from "./make-transform.js";

async function linesOfVariant(loader: Loader, change: LoaderVariant): Promise<string[]> {
  await using variant = await loader.variant(change);
  return await linesOf(variant);
}

async function failureOf(job: Promise<unknown>): Promise<unknown> {
  const error: unknown = await job.then(
    () => "no failure",
    (caught: unknown) => caught,
  );
  return isMillraceError(error) ? error.code : error;
}

describe("a variant of a loader", () => {
  it.each<LoaderVariant>([
    {},
    { numWorkers: 2, prefetchDepth: 3 },
    { storage: "memory", numWorkers: undefined },
    { storage: "cold", numWorkers: 1 },
  ])("gives the batches of the loader's epoch 0, to the byte: %j", async (change) => {
    const { path } = await makeDataset({ samples: 50, mode: "ragged", side: 6 });
    const options = { batchSize: 8, numWorkers: 0, order: shuffle({ seed: 5 }), transforms: [randomResizedCrop(4)] };
    await using loader = await openLoader(path, options);
    const lines = await linesOf(loader.epoch(0));
    // Wherever the loader stands.
    await linesOf(loader.epoch(1), 2);
    const state = loader.state();
    expect(await linesOfVariant(loader, change)).toEqual(lines);
    expect(loader.state()).toEqual(state);
  });

  it("whose data are cold reads no more of a seekable JPEG than its loader does, and gets the same crops", async () => {
    const options = { batchSize: 4, numWorkers: 0, checksums: "off", transforms: [randomResizedCrop(16)] } as const;
    await using loader = await openLoader(await makeSeekable(12), options);
    await using cold = await loader.variant({ storage: "cold" });
    await using fetched = await loader.variant({ storage: "cold", stages: "fetch" });
    expect(await linesOf(cold)).toEqual(await linesOf(loader));
    await samplesOf(fetched);
    const bytes = [loader, cold, fetched].map((one) => one.stats().readBytes);
    expect(new Set(bytes).size).toBe(1);
    expect(bytes[0]).toBeLessThan(12 * loader.facts().storedBytesPerSample);
  });

  it("runs beside its loader and outlives it, and nobody reads the manifest for it again", async () => {
    const { path } = await makeDataset({ samples: 40 });
    const loader = await openLoader(path, { batchSize: 8, numWorkers: 1 });
    const batches = loader[Symbol.asyncIterator]();
    await batches.next();
    renameSync(join(path, "dataset.json"), join(path, "gone.json"));
    await using variant = await loader.variant({ numWorkers: 1, prefetchDepth: 5 });
    const before = await linesOf(variant);
    expect(await batches.next()).toMatchObject({ done: false, value: { step: 1 } });
    expect(loader.stats()).toMatchObject({ batches: 2, numWorkers: 1 });
    await loader.close();
    expect(await failureOf(loader.variant({}))).toBe("CLOSED");
    expect(await linesOf(variant.epoch(0))).toEqual(before);
    expect(variant.stats()).toMatchObject({ batches: 10, numWorkers: 1 });
  });

  it("can be varied again, and ends with the signal of its loader", async () => {
    const { path } = await makeDataset({ samples: 40 });
    const controller = new AbortController();
    await using loader = await openLoader(path, { batchSize: 8, numWorkers: 0, signal: controller.signal });
    await using variant = await loader.variant({ stages: "fetch" });
    await using again = await variant.variant({ numWorkers: 2 });
    expect(again.describe()).toMatch(/workers: 2, .*; 4 batches ready(.*\n)*.*no decoding, no transforms\n/u);
    expect(loader.describe()).not.toMatch(/no decoding/u);
    controller.abort(new Error("enough"));
    await expect(samplesOf(again)).rejects.toThrow("enough");
  });

  it.each([0, 1])(
    "that only fetches gives the same samples and transforms none, with %i workers",
    async (numWorkers) => {
      for (const mode of ["raw", "png"] as const) {
        const { path } = await makeDataset({ samples: 20, mode });
        const calls = new SharedArrayBuffer(4);
        const transforms = [resize(2), transformOf("Atomics.add(new Int32Array(context.options), 0, 1);", calls)];
        await using loader = await openLoader(path, {
          batchSize: 8,
          numWorkers: 0,
          transforms,
          inject: { prepMs: 0.1 },
        });
        const samples = await samplesOf(loader.epoch(0));
        const made = Atomics.load(new Int32Array(calls), 0);
        await using variant = await loader.variant({ numWorkers, stages: "fetch", storage: "cold" });
        expect(await samplesOf(variant)).toEqual(samples);
        expect([made, Atomics.load(new Int32Array(calls), 0)]).toEqual([20, 20]);
        expect(loader.stats().injected.prepMs).toBeGreaterThan(0);
        expect(variant.stats().injected.prepMs).toBe(0);
        expect(variant.stats().readBytes).toBeGreaterThanOrEqual(loader.stats().readBytes);
      }
    },
  );

  it("that only fetches still finds what is damaged", async () => {
    const { path } = await makeDataset({ samples: 20, format: "tfrecord" });
    await using loader = await openLoader(path, { batchSize: 8, numWorkers: 0 });
    const shard = openSync(join(path, "train/shard-00000.tfrecord"), "r+");
    writeSync(shard, Buffer.alloc(40, 7), 0, 40, 60);
    closeSync(shard);
    for (const storage of ["same", "cold"] as const) {
      await using variant = await loader.variant({ stages: "fetch", storage });
      expect(await failureOf(samplesOf(variant))).toBe("CORRUPT_SHARD");
    }
  });

  it("whose data lie in memory has nothing injected that storage costs; one whose data are cold has nothing cached", async () => {
    const { path } = await makeDataset({ samples: 20 });
    const inject = { fetchMs: 1, bytesPerSec: 1e5, cachedFraction: 1, prepMs: 0.1 };
    await using loader = await openLoader(path, { batchSize: 8, numWorkers: 0, inject });
    expect(loader.describe()).toMatch(/held to 0.1 MB a second\n100 % of the samples count as cached/u);
    const fetched: boolean[] = [];
    const prepared: boolean[] = [];
    for (const storage of ["same", "memory", "cold"] as const) {
      await using variant = await loader.variant({ storage });
      await samplesOf(variant);
      fetched.push(variant.stats().injected.fetchMs > 10);
      prepared.push(variant.stats().injected.prepCpuMs > 1);
    }
    expect([fetched, prepared]).toEqual([
      [false, false, true],
      [true, true, true],
    ]);
  });

  it.each<[string, unknown]>([
    ["numWorkers", -1],
    ["prefetchDepth", 0],
    ["storage", "disk"],
    ["stages", "none"],
    ["batchSize", 4],
  ])("cannot be: %s %j", async (name, value) => {
    const { path } = await makeDataset({ samples: 4 });
    await using loader = await openLoader(path, { batchSize: 4, numWorkers: 0 });
    const job = loader.variant({ [name]: value });
    await expect(job).rejects.toThrow(new RegExp(`option ${name}: .* expected `, "u"));
    expect(await failureOf(job)).toBe("OPTION");
  });
});
