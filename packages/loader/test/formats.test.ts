import { FORMAT_NAMES } from "@millrace/formats";
import { horizontalFlip, normalize, openLoader, randomResizedCrop } from "@millrace/loader";
import { count } from "@millrace/testkit";
import { expect, it } from "vitest";
import { linesOf } from "./batch-log.js";
import { makeDataset } from "./make-dataset.js";
import { makeSeekable } from "./make-seekable.js";

it.each(["raw", "jpeg"] as const)(
  "batches of %s images are the same bytes for any number of workers and any format of shards",
  async (mode) => {
    const transforms = [
      randomResizedCrop(8),
      horizontalFlip(),
      normalize({ mean: [0.5, 0.4, 0.3], std: [0.2, 0.2, 0.2] }),
    ];
    const seen = new Map<string, string[]>();
    for (const [number, format] of FORMAT_NAMES.entries()) {
      const { path } = await makeDataset({ samples: 40, side: 12, format, mode });
      // The long tier crosses all with all; otherwise each format has another number.
      for (let i = 0; i < count(1, 4); i++) {
        const numWorkers = (number + i) % 4;
        await using loader = await openLoader(path, { batchSize: 8, numWorkers, transforms });
        seen.set(`${format} ${numWorkers}`, [...(await linesOf(loader)), ...(await linesOf(loader))]);
      }
    }
    expect(seen.size).toBe(count(4, 16));
    const [first] = seen.values();
    for (const lines of seen.values()) expect(lines).toEqual(first);
  },
);

it("batches of JPEGs are the same bytes for any number of workers, whatever the decoder that is forced can do", async () => {
  const path = await makeSeekable(12);
  const transforms = [randomResizedCrop(16)];
  for (const decoder of ["auto", "wasm"] as const) {
    await using inline = await openLoader(path, { batchSize: 4, numWorkers: 0, transforms, decoder });
    await using threads = await openLoader(path, { batchSize: 4, numWorkers: 3, transforms, decoder });
    expect(await linesOf(threads)).toEqual(await linesOf(inline));
    expect(threads.stats().decoder).toBe(decoder === "auto" ? inline.stats().decoder : decoder);
    expect(threads.describe()).toMatch(decoder === "wasm" ? /decoded from jpeg by wasm/u : /decoded from jpeg by /u);
  }
});
