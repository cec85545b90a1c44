import { openLoader, randomResizedCrop, shuffle, type Loader, type LoaderVariant } from "@millrace/loader";
import { describe, expect, it } from "vitest";
import { linesOf } from "./batch-log.js";
import { makeDataset } from "./make-dataset.js";

async function linesOfVariant(loader: Loader, change: LoaderVariant): Promise<string[]> {
  await using variant = await loader.variant(change);
  return await linesOf(variant);
}

describe("a variant of a loader", () => {
  it.each<LoaderVariant>([
    {},
    { numWorkers: 2, prefetchDepth: 3 },
    { numWorkers: 0 },
    { storage: "memory" },
    { storage: "cold", numWorkers: 1 },
  ])("gives the batches of the loader's epoch 0, to the byte: %j", async (change) => {
    const { path } = await makeDataset({ samples: 50, mode: "ragged", side: 6 });
    const order = shuffle({ seed: 5 });
    await using loader = await openLoader(path, {
      batchSize: 8,
      numWorkers: 0,
      order,
      transforms: [randomResizedCrop(4)],
    });
    const lines = await linesOf(loader.epoch(0));
    // Wherever the loader stands.
    await linesOf(loader.epoch(1), 2);
    expect(await linesOfVariant(loader, change)).toEqual(lines);
  });
});
