import { isMillraceError } from "@millrace/formats";
import {
  blockShuffle,
  classBalanced,
  colorJitter,
  filter,
  normalize,
  openLoader,
  randomResizedCrop,
  sequential,
  shuffle,
  weighted,
  type DatasetPart,
  type LoaderOptions,
  type LoaderState,
  type Order,
} from "@millrace/loader";
import { describe, expect, it } from "vitest";
import { linesOf, samplesOf } from "./batch-log.js";
import { labelOf, makeDataset } from "./make-dataset.js";

const inline = { batchSize: 4, numWorkers: 0 };

const weights = Array.from({ length: 40 }, (_, sample) => sample % 3);

const ORDERS: readonly [name: string, order: Order][] = [
  ["blockShuffle", blockShuffle({ seed: 3, blockSize: 4, windowBlocks: 2 })],
  ["weighted", weighted({ seed: 3, weights })],
  ["classBalanced", classBalanced({ seed: 3, draws: 55 })],
  ["filter", filter({ labels: ["b", 3], order: shuffle({ seed: 3 }) })],
  ["filtered weights", filter({ labels: [0, 1], order: weighted({ weights }) })],
];

async function refusalOf(path: string | readonly DatasetPart[], options: LoaderOptions): Promise<string> {
  const error: unknown = await openLoader(path, options).catch((caught: unknown) => caught);
  return isMillraceError(error) ? `${error.code}: ${error.message}` : `no refusal: ${String(error)}`;
}

describe.each(ORDERS)("loading by %s", (_name, order) => {
  it("goes on after any batch, with another batch size and other ranks, where it stood", async () => {
    const { path } = await makeDataset({ samples: 40, samplesPerShard: 16 });
    await using whole = await openLoader(path, { ...inline, order });
    const all = await samplesOf(whole);
    await using first = await openLoader(path, { ...inline, order });
    const seen: number[] = [];
    for await (const batch of first) {
      seen.push(...batch.indices);
      if (batch.step === 1) break;
    }
    const state = JSON.parse(JSON.stringify(first.state())) as LoaderState;
    const rest: number[][] = [];
    for (const rank of [0, 1]) {
      await using second = await openLoader(path, { batchSize: 3, numWorkers: 0, order, state, rank, worldSize: 2 });
      rest.push(await samplesOf(second));
    }
    const [even = [], odd = []] = rest;
    for (const [i, sample] of even.entries()) seen.push(sample, odd[i] as number);
    expect(seen.slice(0, all.length)).toEqual(all);
  });

  it("is in the state, and a state of another order is refused", async () => {
    const { path } = await makeDataset({ samples: 40 });
    await using loader = await openLoader(path, { ...inline, order });
    const state = loader.state();
    expect(JSON.stringify(state).length).toBeLessThan(600);
    expect(await refusalOf(path, { ...inline, state, order: { ...order, seed: 99 } })).toMatch(
      /^STATE: .*another order/u,
    );
    expect(await refusalOf(path, { ...inline, state, order: shuffle({ seed: 3 }) })).toMatch(
      /^STATE: .*another order/u,
    );
  });
});

describe("a sample that comes more than once in an epoch", () => {
  it("looks different each time, and the same again after a resume", async () => {
    const { path } = await makeDataset({ samples: 4, side: 8 });
    const order = weighted({ weights: [1, 0, 0, 0], draws: 16 });
    const options = {
      batchSize: 4,
      numWorkers: 0,
      order,
      transforms: [randomResizedCrop(8), colorJitter({ hue: 0.5 })],
    };
    await using loader = await openLoader(path, options);
    const lines = await linesOf(loader);
    const images = new Set<string>();
    for await (const batch of loader.epoch(0)) {
      const data = batch.fields["image"]?.data as Uint8Array;
      for (let i = 0; i < 4; i++) images.add(data.subarray(i * 192, i * 192 + 192).join());
    }
    expect(images.size).toBe(16);
    await linesOf(loader.epoch(0), 2);
    await using resumed = await openLoader(path, { ...options, numWorkers: 1, state: loader.state() });
    expect(await linesOf(resumed)).toEqual(lines.slice(2));
  });
});

describe("orders that look at labels", () => {
  it.each(["arrow", "hdf5", "tfrecord", "webdataset"] as const)("read them from %s", async (format) => {
    const { path } = await makeDataset({ samples: 40, format, samplesPerShard: 16 });
    await using loader = await openLoader(path, { ...inline, order: filter({ labels: ["b"], order: sequential() }) });
    const expected = Array.from({ length: 40 }, (_, sample) => sample).filter((sample) => labelOf(sample) === 1);
    expect(await samplesOf(loader)).toEqual(expected);
    expect(loader.length).toBe(Math.ceil(expected.length / 4));
  });

  it("refuse a filter that leaves nothing, and weights that do not fit", async () => {
    const { path } = await makeDataset({ samples: 4 });
    expect(await refusalOf(path, { order: filter({ labels: [77] }) })).toMatch(/^OPTION: .*leaves no sample/u);
    expect(await refusalOf(path, { order: filter({ labels: ["x"] }) })).toMatch(/^OPTION: .*no such class.*a, b, c/u);
    expect(await refusalOf(path, { order: weighted({ weights: [1] }) })).toMatch(/^OPTION: .*4 numbers, one a sample/u);
  });
});

describe("a state", () => {
  it("without the weights of its order asks for them", async () => {
    const { path } = await makeDataset({ samples: 40 });
    await using loader = await openLoader(path, { ...inline, order: weighted({ weights }) });
    expect(await refusalOf(path, { state: loader.state() })).toMatch(/^STATE: .*does not hold the weights/u);
    const other = weighted({ weights: weights.map((weight) => weight + 1) });
    expect(await refusalOf(path, { state: loader.state(), order: other })).toMatch(/^STATE: .*another order/u);
  });
});

describe("several data sets", () => {
  it("without weights are one, and every sample comes once", async () => {
    const a = await makeDataset({ samples: 10 });
    const b = await makeDataset({ samples: 7 });
    const parts = [{ path: a.path }, { path: b.path }];
    await using loader = await openLoader(parts, { ...inline, order: sequential() });
    expect(await samplesOf(loader)).toEqual(Array.from({ length: 17 }, (_, sample) => sample));
    const images: number[] = [];
    for await (const batch of loader) images.push(...(batch.fields["image"]?.data as Uint8Array));
    expect(images.slice(480, 528)).toEqual([...b.pixelsOf(0)]);
  });

  it("with weights come in exact proportions, from any state on", async () => {
    const a = await makeDataset({ samples: 20 });
    const b = await makeDataset({ samples: 60 });
    const parts = [
      { path: a.path, weight: 3 },
      { path: b.path, weight: 1 },
    ];
    await using loader = await openLoader(parts, { ...inline, batchSize: 64 });
    const all = await samplesOf(loader);
    expect([all.length, all.filter((sample) => sample < 20).length]).toEqual([80, 60]);
    await using again = await openLoader(parts, { ...inline, batchSize: 10 });
    const seen: number[] = [];
    for await (const batch of again) {
      seen.push(...batch.indices);
      if (batch.step === 2) break;
    }
    await using resumed = await openLoader(parts, { ...inline, state: again.state() });
    expect([...seen, ...(await samplesOf(resumed))]).toEqual(all);
    expect(loader.describe()).toMatch(/2 data sets in exact proportions \(75.0 % of 20, 25.0 % of 60 samples\)/u);
    const heavier = parts.map((part, i) => ({ ...part, weight: i + 1 }));
    expect(await refusalOf(heavier, { state: again.state() })).toMatch(/^STATE: .*another data set/u);
    expect(await refusalOf(parts.toReversed(), { state: again.state() })).toMatch(/^STATE: .*another data set/u);
  });

  it("have each the weights of its samples and the labels of its classes", async () => {
    const a = await makeDataset({ samples: 10 });
    const b = await makeDataset({ samples: 10 });
    const parts = [
      { path: a.path, weight: 1 },
      { path: b.path, weight: 1 },
    ];
    const two = Array.from({ length: 20 }, (_, i) => (i === 3 || i === 14 ? 1 : 0));
    await using loader = await openLoader(parts, { ...inline, order: weighted({ weights: two }) });
    expect(new Set(await samplesOf(loader))).toEqual(new Set([3, 14]));
    await using kept = await openLoader(parts, { ...inline, order: filter({ labels: [1] }) });
    for (const sample of await samplesOf(kept)) expect(labelOf(sample % 10)).toBe(1);
  });

  it("pool their statistics by their shares", async () => {
    const a = await makeDataset({ samples: 4, side: 2 });
    await using loader = await openLoader([{ path: a.path }, { path: a.path }], { ...inline });
    await using one = await openLoader(a.path, inline);
    expect(loader.statistics).toEqual(one.statistics);
    expect(await refusalOf([{ path: a.path }, { path: a.path }], { transforms: [normalize()] })).toMatch(/no mean/u);
  });

  it("must fit together, with a weight for each or none", async () => {
    const a = await makeDataset({ samples: 4 });
    const b = await makeDataset({ samples: 4, side: 5 });
    expect(await refusalOf([{ path: a.path }, { path: b.path }], {})).toMatch(/^OPTION: .*other fields than/u);
    expect(await refusalOf([{ path: a.path, weight: 1 }, { path: a.path }], {})).toMatch(/1 of 2/u);
    expect(await refusalOf([], {})).toMatch(/^OPTION: .*a path, or 1 to/u);
    expect(await refusalOf([{ path: 5 as never }], {})).toMatch(/^OPTION: .*a path/u);
    expect(await refusalOf([null as never], {})).toMatch(/^OPTION: .*a path/u);
    for (const weight of [0, -1, Number.NaN, Infinity])
      expect(await refusalOf([{ path: a.path, weight }], {})).toMatch(
        /^OPTION: option weight: .*finite number above 0/u,
      );
  });
});

describe("the text of a loader", () => {
  it("says what the order does, what it reads, and how good the shuffle is", async () => {
    const { path } = await makeDataset({ samples: 40 });
    const lineOf = async (options: LoaderOptions): Promise<string> => {
      await using loader = await openLoader(path, { ...inline, ...options });
      return loader.describe();
    };
    const blocks = blockShuffle({ blockSize: 4, windowBlocks: 2 });
    expect(await lineOf({ order: blocks })).toMatch(
      /blocks of 4 samples .*, 2 of them mixed.*within 8 positions, by at most 3 batches.*shuffle quality 0\.\d\d/u,
    );
    expect(await lineOf({ order: sequential() })).toMatch(/shuffle quality 0\.0/u);
    expect(await lineOf({ order: classBalanced() })).toMatch(/40 draws with replacement, each class equally often/u);
    expect(await lineOf({ order: filter({ labels: [1] }) })).toMatch(/labels 1: 8 of 40 positions, then shuffle/u);
    expect(await lineOf({ rank: 1, worldSize: 3 })).toMatch(/rank 1 of 3: ranks that run short begin/u);
    expect(await lineOf({ rank: 1, worldSize: 3, dropLast: true })).toMatch(/rank 1 of 3: leaves out/u);
  });
});
