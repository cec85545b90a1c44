import { createDataset } from "@millrace/formats";
import { openLoader, resize, sequential, shuffle, type LoaderOptions } from "@millrace/loader";
import { tempDir } from "@millrace/testkit";
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { samplesOf } from "./batch-log.js";
import { makeDataset } from "./make-dataset.js";
import { makeSeekable } from "./make-seekable.js";

const MEMORY = "/dev/shm";

describe("the facts of a loader", () => {
  it("are its sizes, and those of its files", async () => {
    const { path } = await makeDataset({ samples: 40 });
    await using loader = await openLoader(path, { batchSize: 8, numWorkers: 2, transforms: [resize(2)] });
    const facts = loader.facts();
    const shards = readdirSync(join(path, "train")).filter((name) => name.endsWith(".arrow"));
    const bytes = shards.reduce((sum, name) => sum + statSync(join(path, "train", name)).size, 0);
    expect(facts).toMatchObject({ batchSize: 8, numWorkers: 2, prefetchDepth: 4, batchBytes: 8 * (2 * 2 * 3 + 4) });
    expect(facts.storedBytesPerSample).toBeCloseTo(bytes / 40);
    expect(facts.ringBytes).toBeGreaterThan(5 * facts.batchBytes);
    expect(facts.cpus).toBeGreaterThanOrEqual(1);
    expect(structuredClone(facts)).toEqual(facts);
    // A file has no manifest that says its size.
    await using file = await openLoader(join(path, "train", shards[0] as string), { batchSize: 4, numWorkers: 0 });
    expect(file.facts().storedBytesPerSample).toBeCloseTo(statSync(join(path, "train", shards[0] as string)).size / 16);
  });

  it("say whether the option readAhead would be granted", async () => {
    const { path } = await makeDataset({ samples: 16 });
    const canReadAhead = async (options: LoaderOptions): Promise<unknown> => {
      await using loader = await openLoader(path, { transforms: [resize(2)], ...options });
      return loader.facts().canReadAhead;
    };
    expect(await canReadAhead({ order: shuffle() })).toBe(true);
    const refused: LoaderOptions[] = [
      { readAhead: true },
      { order: sequential() },
      { numWorkers: 0 },
      { inject: { fetchMs: 1 } },
      { inject: { bytesPerSec: 1e9 } },
    ];
    for (const options of refused) expect(await canReadAhead({ order: shuffle(), ...options })).toBe(false);
  });

  it("say how the images lie in the shards", async () => {
    const transforms = [resize(2)];
    const stored = async (path: string): Promise<unknown> => {
      await using loader = await openLoader(path, { transforms, numWorkers: 0 });
      return loader.facts().storedAs;
    };
    const ways = (["raw", "ragged", "jpeg", "png"] as const).map(
      async (mode) => await makeDataset({ samples: 2, mode }),
    );
    const paths = (await Promise.all(ways)).map(({ path }) => path);
    expect(await Promise.all([...paths, await makeSeekable(3)].map(stored))).toEqual([
      "raw",
      "raw",
      "jpeg",
      undefined,
      "seekable",
    ]);
  });

  it("say where data cannot be read cold: through a library", async () => {
    const path = join(tempDir(), "deflated");
    const schema = { fields: [{ name: "image", kind: "tensor", dtype: "uint8", shape: [32, 32, 3] }] } as const;
    const writer = await createDataset(path, { schema, format: "hdf5", compression: "gzip" });
    for (let sample = 0; sample < 4; sample++) await writer.write(new Map([["image", new Uint8Array(3072)]]));
    await writer.finish();
    await using loader = await openLoader(path, { batchSize: 4, numWorkers: 0 });
    expect(loader.facts()).toMatchObject({
      coldReads: "buffered",
      coldReadsReason: expect.stringMatching(/^the field image is read by the hdf5 library/u) as string,
    });
    await using cold = await loader.variant({ storage: "cold" });
    expect(await samplesOf(cold)).toHaveLength(4);
    expect(cold.facts()).toEqual(loader.facts());
  });

  it("leave out of account that labels are read by a library, as they are a few bytes", async () => {
    const { path } = await makeDataset({ samples: 4, format: "webdataset" });
    const [all, image] = await Promise.all([
      openLoader(path, { batchSize: 4, numWorkers: 0 }),
      openLoader(path, { batchSize: 4, numWorkers: 0, fields: ["image"] }),
    ]);
    expect(all.describe()).toMatch(/field label: .* by the webdataset library/u);
    expect(all.facts().coldReadsReason).toBe(image.facts().coldReadsReason);
    await Promise.all([all.close(), image.close()]);
  });

  it.skipIf(!existsSync(MEMORY))(
    "say where data cannot be read cold: in a file system that lies in memory",
    async () => {
      const { path } = await makeDataset({ samples: 20 });
      const copy = mkdtempSync(join(MEMORY, "millrace-test-"));
      onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
      cpSync(path, copy, { recursive: true });
      await using loader = await openLoader(copy, { batchSize: 4, numWorkers: 0 });
      await using cold = await loader.variant({ storage: "cold" });
      expect(cold.facts()).toMatchObject({
        coldReads: "buffered",
        coldReadsReason: expect.stringMatching(/^the file system of .* (lies in memory|refuses O_DIRECT)$/u) as string,
      });
      expect(await samplesOf(cold)).toEqual(await samplesOf(loader));
    },
  );
});
