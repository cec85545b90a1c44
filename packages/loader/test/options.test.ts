import { isMillraceError } from "@millrace/formats";
import {
  centerCrop,
  horizontalFlip,
  normalize,
  openLoader,
  randomResizedCrop,
  resize,
  type LoaderOptions,
} from "@millrace/loader";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { samplesOf } from "./batch-log.js";
import { makeDataset } from "./make-dataset.js";
import { transformOf } from "./make-transform.js";

/** A list that holds itself. */
const endless: unknown[] = [1];
endless.push(endless, { endless });

/** Impossible values, as they come from JavaScript or from JSON, and a part of what the error says is expected. */
const IMPOSSIBLE: readonly [option: string, value: unknown, expected: RegExp][] = [
  ["batchSize", 0, /integer from 1/u],
  ["batchSize", Number.NaN, /integer from 1.*found NaN/u],
  ["batchSize", 0.5, /integer from 1.*found 0.5/u],
  ["batchSize", "8", /integer from 1.*found "8"/u],
  ["batchSize", 2 ** 21, /integer from 1 to/u],
  ["numWorkers", -1, /integer from 0/u],
  ["numWorkers", 1.5, /integer from 0/u],
  ["numWorkers", Number.NaN, /integer from 0/u],
  ["prefetchDepth", 0, /integer from 1/u],
  ["prefetchDepth", Infinity, /integer from 1/u],
  ["split", "test", /train/u],
  ["split", "", /a name/u],
  ["order", { kind: "random" }, /shuffle/u],
  ["order", { kind: "shuffle", seed: -1 }, /shuffle/u],
  ["order", { kind: "shuffle", seed: 0.5 }, /shuffle/u],
  ["order", { kind: "shuffle", seed: Number.NaN }, /seed is impossible.*found NaN/u],
  ["order", { kind: "shuffle", seed: 1, length: 3 }, /impossible/u],
  ["order", { kind: "blockShuffle", seed: 1, blockSize: 0, windowBlocks: 4 }, /blockSize is impossible.*from 1/u],
  ["order", { kind: "blockShuffle", seed: 1, blockSize: 4, windowBlocks: 0.5 }, /windowBlocks is impossible/u],
  ["order", { kind: "weighted", seed: 1, weights: [0] }, /not all 0/u],
  ["order", { kind: "weighted", seed: 1, weights: { 0: 1 } }, /list of finite numbers/u],
  ["order", { kind: "filter", seed: 1, labels: [0], order: { kind: "nothing" } }, /filter/u],
  ["order", "shuffle", /shuffle\(\)/u],
  ["transforms", [{ kind: "rotate" }], /randomResizedCrop | centerCrop/u],
  ["transforms", [{ kind: "resize", height: 0, width: 4 }], /integer from 1/u],
  ["transforms", "resize", /a list/u],
  ["transforms", [centerCrop(5)], /put resize before/u],
  ["fields", [], /at least one name/u],
  ["fields", ["image", "image"], /twice/u],
  ["fields", ["picture"], /image, label, key/u],
  ["dropLast", "yes", /true or false/u],
  ["checksums", "sometimes", /first \| always \| off/u],
  ["rank", 2, /0 to worldSize - 1, which is 1/u],
  ["worldSize", 0, /integer from 1/u],
  ["onBadSample", "ignore", /fail \| skip/u],
  ["signal", {}, /AbortSignal/u],
  ["clock", {}, /now\(\)/u],
  ["workerTimeoutMs", 0, /above 0/u],
  ["inject", { fetchMs: -1 }, /milliseconds from 0/u],
  ["inject", { readMs: 1 }, /fetchMs, prepMs/u],
  ["shuffle", true, /split, batchSize/u],
  ["batchSize", endless, /found \[1, \[1, .*…\]/u],
  ["transforms", [{ kind: "resize", height: endless, width: 4 }], /found \[\[1, \[1, .*…\]/u],
];

describe("openLoader", () => {
  it.each(IMPOSSIBLE)("refuses %s: %j, naming the option and what is expected", async (option, value, expected) => {
    const { path } = await makeDataset({ samples: 4 });
    const options = { ...(option === "rank" ? { worldSize: 2 } : {}), [option]: value } as LoaderOptions;
    const error: unknown = await openLoader(path, options).catch((caught: unknown) => caught);
    expect(isMillraceError(error, "OPTION") && error.detail.option).toBe(option);
    expect(String(error)).toMatch(expected);
  });

  it("takes every option that is undefined as left out", async () => {
    const { path } = await makeDataset({ samples: 4 });
    const none = { split: undefined, batchSize: undefined, order: undefined, transforms: undefined, state: undefined };
    await using loader = await openLoader(path, { ...none, numWorkers: 0 });
    expect(await samplesOf(loader)).toHaveLength(4);
  });

  it("takes orders and transforms as plain data, through JSON and back", async () => {
    const { path } = await makeDataset({ samples: 4 });
    const data = JSON.parse(
      JSON.stringify({ order: { kind: "sequential", seed: 0 }, transforms: [resize(2)] }),
    ) as LoaderOptions;
    await using loader = await openLoader(path, { ...data, numWorkers: 0 });
    for await (const batch of loader) {
      expect([...batch.indices]).toEqual([0, 1, 2, 3]);
      expect(batch.fields["image"]?.shape).toEqual([4, 2, 2, 3]);
    }
  });

  it("says what has no batch: encoded images without a size, and what does not fit into memory", async () => {
    const { path } = await makeDataset({ samples: 4, mode: "png" });
    await expect(openLoader(path)).rejects.toThrow(/option transforms: the images have different sizes; add resize/u);
    const huge = { transforms: [resize(4096)], batchSize: 128, numWorkers: 1 };
    await expect(openLoader(path, huge)).rejects.toThrow(
      /option batchSize: .*does not fit into one shared memory.*about 85 at most/u,
    );
  });

  it("says that there is no dataset", async () => {
    await expect(openLoader("/nowhere/at/all")).rejects.toThrow(/cannot open the dataset: no such file or folder/u);
  });
});

describe("a batch larger than the data set", () => {
  it("is one short batch, or refused where short batches are left out", async () => {
    const { path } = await makeDataset({ samples: 4 });
    await using loader = await openLoader(path, { batchSize: 100, numWorkers: 0 });
    expect(await samplesOf(loader)).toHaveLength(4);
    const none = { batchSize: 3, numWorkers: 0, dropLast: true, worldSize: 2, rank: 1 };
    await expect(openLoader(path, none)).rejects.toThrow(/option batchSize: .*expected at most 2, found 3/u);
  });
});

describe("the text of a loader", () => {
  it("tells what will be done and why", async () => {
    const { path } = await makeDataset({ samples: 40 });
    await using loader = await openLoader(path, {
      batchSize: 8,
      numWorkers: 2,
      transforms: [resize(2)],
      inject: { prepMs: 1 },
    });
    const text = loader.describe();
    expect(text.split("\n").slice(1)).toEqual([
      expect.stringMatching(
        /^order: shuffle, seed 0: another permutation .*; shuffle quality [01]\.\d\d \(0: by number/u,
      ),
      "rank 0 of 1: the last batch may be short",
      expect.stringMatching(
        /^field image: uint8 \[8, 2, 2, 3\], read as pixels; resize 2 x 2 cover: 1 call of the (simd|plain) kernel an image; read by affine extents: rows of 48 bytes at equal distances$/u,
      ),
      "field label: int32 [8], as it is stored, read straight into the batch; read by affine extents: rows of 4 bytes at equal distances",
      "left out: key",
      "workers: 2, 1 samples at a time; 4 batches ready or in the making",
      expect.stringMatching(/^read ahead: (each shard once, from front to back|no), as /u),
      expect.stringMatching(/^memory: .* MB shared/u),
      "checksums: checked the first time that this process reads a sample; later, only what is needed is read; a bad sample: fail",
      "slowed down by 0 ms of fetch and 1 ms of prep a sample",
      "",
    ]);
    const mean = [0.5, 0.5, 0.5];
    const transforms = [randomResizedCrop(2), horizontalFlip(), normalize({ mean, std: mean }), transformOf("")];
    const fields = ["image", "key"];
    await using other = await openLoader(path, { batchSize: 8, numWorkers: 0, dropLast: true, transforms, fields });
    expect(other.describe()).toMatch(/rank 0 of 1: leaves out a short last batch/u);
    expect(other.describe()).toMatch(/randomResizedCrop 2 x 2, horizontalFlip 0.5, normalize, transform of file:/u);
    expect(other.describe()).toMatch(/field key: uint8 \[8, 4\], UTF-8, filled up with zeros; read by a table/u);
    expect(other.describe()).toMatch(/workers: none/u);
    await using planes = await openLoader(path, { numWorkers: 0, layout: "nchw" });
    expect(planes.describe()).toMatch(/field image: .*, read as pixels; no transforms: 1 call of the/u);
    expect(text).toContain("split train: 40 samples, 5 batches of 8 an epoch");
  });

  it("tells what only the library of a format reads, and that a shard cannot be opened", async () => {
    const { path } = await makeDataset({ samples: 4, format: "webdataset" });
    await using loader = await openLoader(path, { batchSize: 4, numWorkers: 0 });
    const label = /field label: .*; read by the webdataset library, as the values do not lie plain in the file\n/u;
    expect(loader.describe()).toMatch(label);
    writeFileSync(join(path, "train/shard-00000.tar"), "no shard");
    await using damaged = await openLoader(path, { batchSize: 4, numWorkers: 0 });
    expect(damaged.describe()).toMatch(/field label: .*; read from a shard that cannot be opened\n/u);
  });
});
