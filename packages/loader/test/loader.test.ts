import { openDataset } from "@millrace/formats";
import {
  colorJitter,
  horizontalFlip,
  normalize,
  openLoader,
  randomResizedCrop,
  resize,
  sequential,
  shuffle,
  textsOf,
  type Batch,
  type LoaderOptions,
} from "@millrace/loader";
import { count } from "@millrace/testkit";
import { describe, expect, it } from "vitest";
import { openLoaderData } from "../dist/loader-data.js";
import { planLoader } from "../dist/open-loader.js";
import { resolveOptions } from "../dist/options.js";
import { linesOf, samplesOf } from "./batch-log.js";
import { labelOf, makeDataset } from "./make-dataset.js";

const statistics = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] };

/** Datasets that take different ways into the ring, each with transforms that its images allow. */
const WAYS = [
  { format: "hdf5", mode: "raw", transforms: [randomResizedCrop(3), horizontalFlip(), normalize(statistics)] },
  { format: "arrow", mode: "png", transforms: [randomResizedCrop(4), horizontalFlip()] },
  { format: "arrow", mode: "raw", transforms: [] },
  { format: "hdf5", mode: "png", transforms: [resize([3, 4]), normalize(statistics)] },
] as const;

describe.each(WAYS.slice(0, count(1, 4)))("a loader of $mode images in $format", ({ format, mode, transforms }) => {
  it("Same batches (content hash) for 0, 1, 2 and 3 workers and after a resume in mid-epoch", async () => {
    const { path } = await makeDataset({ samples: 53, format, mode });
    const options: LoaderOptions = { batchSize: 6, order: shuffle({ seed: 3 }), transforms };
    const expected: string[] = [];
    for (const numWorkers of [0, 1, 2, 3]) {
      const loader = await openLoader(path, { ...options, numWorkers });
      const lines = [...(await linesOf(loader)), ...(await linesOf(loader))];
      await loader.close();
      if (numWorkers === 0) expected.push(...lines);
      expect(lines).toEqual(expected);
    }
    expect(expected).toHaveLength(18);
    const first = await openLoader(path, { ...options, numWorkers: 2 });
    expect(await linesOf(first, 4)).toEqual(expected.slice(0, 4));
    const state = JSON.parse(JSON.stringify(first.state())) as ReturnType<typeof first.state>;
    await first.close();
    for (const numWorkers of count(1, 2) === 1 ? [0] : [0, 1]) {
      const second = await openLoader(path, { ...options, order: undefined, numWorkers, state });
      expect([...(await linesOf(second)), ...(await linesOf(second))]).toEqual(expected.slice(4));
      await second.close();
    }
  });
});

describe("the batches of a loader", () => {
  it("hold what the dataset holds, sample by sample", async () => {
    const { path, pixelsOf } = await makeDataset({ samples: 21 });
    const dataset = await openDataset(path);
    await using loader = await openLoader(path, { batchSize: 4, numWorkers: 0 });
    for await (const batch of loader) {
      const { image, label } = batch.fields;
      const pixels = image?.data as Uint8Array;
      expect(image?.shape).toEqual([batch.size, 4, 4, 3]);
      expect(label?.shape).toEqual([batch.size]);
      for (const [place, sample] of batch.indices.entries()) {
        expect([...pixels.subarray(place * 48, place * 48 + 48)]).toEqual([...pixelsOf(sample)]);
        expect(label?.data[place]).toBe(labelOf(sample));
        expect((await dataset.split("train").read(sample)).get("label")).toEqual(Int32Array.of(labelOf(sample)));
      }
    }
    dataset.close();
  });

  it("hold only the fields that are asked for, texts among them, in that order", async () => {
    const { path } = await makeDataset({ samples: 12 });
    await using loader = await openLoader(path, { fields: ["key", "label"], order: sequential(), numWorkers: 0 });
    for await (const batch of loader) {
      expect(Object.keys(batch.fields)).toEqual(["key", "label"]);
      const keys = batch.fields["key"];
      expect(keys === undefined ? [] : textsOf(keys)).toEqual(Array.from({ length: 12 }, (_, i) => `k/${i}`));
    }
  });

  it("have the last one short, or leave it out with dropLast", async () => {
    const { path } = await makeDataset({ samples: 10 });
    await using whole = await openLoader(path, { batchSize: 4, numWorkers: 0 });
    const sizes: number[] = [];
    for await (const batch of whole) sizes.push(batch.size);
    expect([whole.length, ...sizes]).toEqual([3, 4, 4, 2]);
    await using full = await openLoader(path, { batchSize: 4, numWorkers: 0, dropLast: true });
    expect([full.length, (await samplesOf(full)).length]).toEqual([2, 8]);
  });

  it("may be larger than the dataset", async () => {
    const { path } = await makeDataset({ samples: 3 });
    await using loader = await openLoader(path, { batchSize: 64, numWorkers: 1 });
    expect((await samplesOf(loader)).toSorted((a, b) => a - b)).toEqual([0, 1, 2]);
  });

  it("of all ranks together hold every sample, and go on after a change of worldSize and batchSize", async () => {
    const { path } = await makeDataset({ samples: 40 });
    const seen: number[] = [];
    let state;
    for (const rank of [0, 1]) {
      await using loader = await openLoader(path, { batchSize: 3, rank, worldSize: 2, numWorkers: 0 });
      let left = 4;
      for await (const batch of loader) {
        seen.push(...batch.indices);
        if (--left === 0) break;
      }
      state = loader.state();
    }
    for (const rank of [0, 1, 2, 3]) {
      await using loader = await openLoader(path, { batchSize: 5, rank, worldSize: 4, state, numWorkers: 0 });
      seen.push(...(await samplesOf(loader)));
    }
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });

  it("stay as they are while the consumer has them, and can be copied until then", async () => {
    const { path } = await makeDataset({ samples: 64 });
    await using loader = await openLoader(path, { batchSize: 4, numWorkers: 1, prefetchDepth: 1 });
    const over: Batch[] = [];
    for await (const batch of loader) {
      const copy = batch.copy();
      await new Promise((resolve) => setTimeout(resolve, 2));
      expect(batch.fields["image"]?.data).toEqual(copy.fields["image"]?.data);
      expect(batch.indices).toEqual(copy.indices);
      expect(copy.fields["image"]?.data.buffer).toBeInstanceOf(ArrayBuffer);
      for (const before of over) expect(() => before.copy()).toThrow(/is over/u);
      over.push(batch);
    }
  });
});

describe("the epochs of a loader", () => {
  it("follow one another, each in an order of its own", async () => {
    const { path } = await makeDataset({ samples: 20 });
    await using loader = await openLoader(path, { batchSize: 8, numWorkers: 0 });
    const epochs = [await samplesOf(loader), await samplesOf(loader), await samplesOf(loader.epoch(0))];
    expect(epochs[0]).not.toEqual(epochs[1]);
    expect(epochs[2]).toEqual(epochs[0]);
    expect(loader.state()).toMatchObject({ epoch: 1, position: 0 });
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 32])("have no number %d", async (epoch) => {
    const { path } = await makeDataset({ samples: 4 });
    await using loader = await openLoader(path, { numWorkers: 0 });
    expect(() => loader.epoch(epoch)).toThrow(/option epoch: is impossible; expected an integer from 0/u);
  });

  it("go on where the loop was left, also when the same epoch is asked for", async () => {
    const { path } = await makeDataset({ samples: 20 });
    await using loader = await openLoader(path, { batchSize: 4, numWorkers: 0 });
    const all = await linesOf(loader);
    expect(await linesOf(loader.epoch(0), 2)).toEqual(all.slice(0, 2));
    expect(loader.state()).toMatchObject({ epoch: 0, position: 8 });
    expect(await linesOf(loader.epoch(0), 1)).toEqual(all.slice(2, 3));
    expect(await linesOf(loader)).toEqual(all.slice(3));
    expect(await linesOf(loader.epoch(0))).toEqual(all);
  });

  it("count only what the consumer has received, not what is prepared", async () => {
    const { path } = await makeDataset({ samples: 40 });
    await using loader = await openLoader(path, { batchSize: 4, numWorkers: 1, prefetchDepth: 4 });
    let received = 0;
    for await (const batch of loader) {
      received += batch.size;
      expect(loader.state()).toMatchObject(
        received === 40 ? { epoch: 1, position: 0 } : { epoch: 0, position: received },
      );
    }
  });
});

describe("a ring of several memories", () => {
  it.each(["raw", "png", "ragged", "jpeg"] as const)(
    "delivers the same batches of %s images as one memory",
    async (mode) => {
      const { path } = await makeDataset({ samples: 50, mode, side: 32 });
      const transforms = [randomResizedCrop(64), colorJitter({ brightness: 0.4 }), normalize(statistics)];
      const given = { batchSize: 7, transforms: mode === "raw" ? [] : transforms, prefetchDepth: 3 };
      // Room for one slot and the workers' regions.
      const maxMemoryBytes = (mode === "raw" ? 2 : 15) * 65_536;
      await using one = await openLoader(path, { ...given, numWorkers: 0 });
      const data = await openLoaderData([{ path }], "train");
      await using several = await planLoader(data, resolveOptions({ ...given, numWorkers: 2 }), maxMemoryBytes);
      expect(several.describe()).toMatch(/in 4 memories, as kernels address/u);
      for (let epoch = 0; epoch < 3; epoch++) expect(await linesOf(several)).toEqual(await linesOf(one));
    },
  );
});
