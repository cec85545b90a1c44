import { indexPathOf, isMillraceError, readManifest } from "@millrace/formats";
import { classBalanced, openLoader, resize, sequential, shuffle, type LoaderOptions } from "@millrace/loader";
import { tempDir } from "@millrace/testkit";
import { readFileSync, renameSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { linesOf, samplesOf } from "./batch-log.js";
import { damage } from "./damage.js";
import { makeDataset } from "./make-dataset.js";
import { transformOf } from "./make-transform.js";

describe.each(["hdf5", "arrow"] as const)("a flipped bit in a shard of %s", (format) => {
  it("fails with CorruptShardError that names the sample, after the batches before it, whoever reads it", async () => {
    const made = await makeDataset({ samples: 40, format });
    const file = damage(made, 21);
    const options: LoaderOptions = { batchSize: 4, order: shuffle({ seed: 1 }) };
    await using unchecked = await openLoader(made.path, { ...options, numWorkers: 0, checksums: "off" });
    const order = await samplesOf(unchecked);
    expect(order).toHaveLength(40);
    for (const numWorkers of [0, 1]) {
      await using loader = await openLoader(made.path, { ...options, numWorkers });
      let batches = 0;
      const run = async (): Promise<void> => {
        for await (const _ of loader) batches++;
      };
      const error: unknown = await run().catch((caught: unknown) => caught);
      expect(batches).toBe(Math.floor(order.indexOf(21) / 4));
      expect(isMillraceError(error, "CORRUPT_SHARD") && error.detail).toMatchObject({
        file,
        sample: 5,
        field: "image",
      });
      expect(loader.state()).toMatchObject({ epoch: 0, position: batches * 4 });
    }
  });

  it("is skipped and counted with onBadSample skip, and the other samples close up", async () => {
    const made = await makeDataset({ samples: 40, format });
    damage(made, 3);
    damage(made, 33);
    const options: LoaderOptions = { batchSize: 4, order: shuffle({ seed: 1 }), onBadSample: "skip" };
    const expected: string[] = [];
    for (const numWorkers of [0, 2]) {
      await using loader = await openLoader(made.path, { ...options, numWorkers });
      const lines = await linesOf(loader);
      if (numWorkers === 0) expected.push(...lines);
      expect(lines).toEqual(expected);
      expect(loader.stats()).toMatchObject({ samples: 38, skippedSamples: 2 });
      expect(loader.skipped.map(({ sample }) => sample).toSorted((a, b) => a - b)).toEqual([3, 33]);
      expect(loader.skipped[0]).toMatchObject({ epoch: 0, error: { code: "CORRUPT_SHARD" } });
      expect(loader.state()).toMatchObject({ epoch: 1, position: 0, skipped: 0 });
    }
    expect(expected).toHaveLength(10);
  });
});

describe("checksums", () => {
  it("first sees a damage that was there before the first read, always sees one that comes later", async () => {
    const made = await makeDataset({ samples: 8, side: 8 });
    await using first = await openLoader(made.path, { numWorkers: 0 });
    await using always = await openLoader(made.path, { numWorkers: 0, checksums: "always" });
    await samplesOf(first);
    await samplesOf(always);
    damage(made, 2);
    expect(await samplesOf(first)).toHaveLength(8);
    await expect(samplesOf(always)).rejects.toThrow(
      /sample 2, key k\/2, field image: the crc32c of the sample is wrong/u,
    );
  });
});

describe("a shard that is cut short or gone", () => {
  it("fails, or costs its samples only with onBadSample skip", async () => {
    const made = await makeDataset({ samples: 40, samplesPerShard: 10 });
    const shard = join(made.path, "train", "shard-00002.arrow");
    truncateSync(shard, 500);
    await using fails = await openLoader(made.path, { numWorkers: 1 });
    await expect(samplesOf(fails)).rejects.toThrow(`${shard}, sample`);
    await using skips = await openLoader(made.path, { numWorkers: 1, batchSize: 8, onBadSample: "skip" });
    const samples = await samplesOf(skips);
    expect(samples).toHaveLength(30);
    expect(samples.every((sample) => sample < 20 || sample >= 30)).toBe(true);
    expect(skips.stats().skippedSamples).toBe(10);
  });
});

describe.each(["shard", "sidecar"])("a link that leads out of the folder, in place of a %s,", (what) => {
  it("is refused before a byte is read, whoever reads it, and costs its samples only with onBadSample skip", async () => {
    const { path } = await makeDataset({ samples: 6, samplesPerShard: 2 });
    const shard = join(path, (await readManifest(path)).splits[0]?.shards[1]?.path ?? "");
    const file = what === "shard" ? shard : indexPathOf(shard);
    const outside = join(tempDir(), "elsewhere");
    renameSync(file, outside);
    symlinkSync(outside, file);
    const options: LoaderOptions = { batchSize: 1, order: sequential() };
    for (const numWorkers of [0, 1]) {
      const readAhead = numWorkers > 0;
      await using loader = await openLoader(path, { ...options, numWorkers, readAhead });
      await expect(linesOf(loader)).rejects.toMatchObject({
        code: "MANIFEST",
        message: expect.stringContaining("which is a link that leads out") as string,
      });
      await using skips = await openLoader(path, { ...options, numWorkers, readAhead, onBadSample: "skip" });
      expect(await linesOf(skips)).toHaveLength(4);
      expect(skips.skipped.map(({ sample }) => sample)).toEqual([2, 3]);
    }
    // These have to open all shards.
    await expect(openLoader(path, { order: classBalanced() })).rejects.toMatchObject({ code: "MANIFEST" });
    await expect(openLoader(path, { fields: ["key"] })).rejects.toMatchObject({ code: "MANIFEST" });
  });
});

describe("an image that cannot be decoded", () => {
  it("is an ImageError with the sample's place", async () => {
    const made = await makeDataset({ samples: 6, mode: "png", format: "arrow" });
    const shard = join(made.path, "train", "shard-00000.arrow");
    const bytes = readFileSync(shard);
    // The fourth PNG loses its end marker; with checksums off only the decoder can see it.
    let at = -1;
    for (let found = 0; found < 4; found++) at = bytes.indexOf("IHDR", at + 1);
    bytes.write("XXXX", at, "latin1");
    writeFileSync(shard, bytes);
    await using loader = await openLoader(made.path, { numWorkers: 0, checksums: "off", transforms: [resize(4)] });
    const error: unknown = await samplesOf(loader).catch((caught: unknown) => caught);
    expect(isMillraceError(error, "IMAGE") && error.detail).toMatchObject({ file: shard, sample: 3, key: "k/3" });
  });
});

describe("a transform of the user's that fails", () => {
  it.each([0, 1])("is a SampleError with the sample's place and the cause, with %i workers", async (numWorkers) => {
    const made = await makeDataset({ samples: 20 });
    const transforms = [transformOf("if (context.sample === 17) throw new RangeError('seventeen');")];
    await using loader = await openLoader(made.path, { numWorkers, transforms });
    await expect(samplesOf(loader)).rejects.toThrow(
      /shard-00001.arrow, sample 1, key k\/17: the transform transform threw: seventeen/u,
    );
  });

  it("is skipped like any bad sample", async () => {
    const made = await makeDataset({ samples: 20 });
    const transforms = [
      transformOf("if (context.options.has(context.sample)) throw new Error('no');", new Set([0, 7, 8])),
    ];
    await using loader = await openLoader(made.path, { numWorkers: 1, transforms, batchSize: 3, onBadSample: "skip" });
    expect((await samplesOf(loader)).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, i) => i).filter((i) => ![0, 7, 8].includes(i)),
    );
  });

  it.each(["image.data = new Uint8Array(48);", "image.data = undefined;"])("must not do %s", async (body) => {
    const made = await makeDataset({ samples: 2 });
    await using loader = await openLoader(made.path, { numWorkers: 0, transforms: [transformOf(body)] });
    await expect(samplesOf(loader)).rejects.toThrow(
      /put another array in place of image.data.*changes image.data in place/u,
    );
  });

  it("must not return a promise", async () => {
    const made = await makeDataset({ samples: 2 });
    await using loader = await openLoader(made.path, {
      numWorkers: 0,
      transforms: [transformOf("return Promise.resolve();")],
    });
    await expect(samplesOf(loader)).rejects.toThrow(/returned a promise; expected a synchronous function/u);
  });
});
