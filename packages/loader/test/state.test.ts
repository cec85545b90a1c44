import { isMillraceError } from "@millrace/formats";
import { openLoader, sequential, shuffle, type LoaderState } from "@millrace/loader";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@millrace/testkit";
import { describe, expect, it } from "vitest";
import { linesOf, samplesOf } from "./batch-log.js";
import { makeDataset } from "./make-dataset.js";

const refusalOf = async (path: string, state: unknown, more = {}): Promise<string> => {
  const options = { state: state as LoaderState, numWorkers: 0, ...more };
  const error: unknown = await openLoader(path, options).catch((caught: unknown) => caught);
  return isMillraceError(error, "STATE") ? error.message : `no StateError: ${String(error)}`;
};

describe("a state", () => {
  it("is small JSON that says where the run stands", async () => {
    const { path } = await makeDataset({ samples: 20 });
    await using loader = await openLoader(path, { batchSize: 6, numWorkers: 0, order: shuffle({ seed: 9 }) });
    await linesOf(loader, 2);
    expect(JSON.parse(JSON.stringify(loader.state()))).toEqual({
      version: 1,
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/u),
      split: "train",
      order: { kind: "shuffle", seed: 9 },
      epoch: 0,
      position: 12,
      worldSize: 1,
      skipped: 0,
    });
  });

  it("fits after the dataset has moved, with other workers and another batch size", async () => {
    const { path } = await makeDataset({ samples: 20 });
    await using loader = await openLoader(path, { batchSize: 6, numWorkers: 0 });
    await using whole = await openLoader(path, { batchSize: 20, numWorkers: 0 });
    const order = await samplesOf(whole);
    await linesOf(loader, 2);
    const moved = join(tempDir(), "elsewhere");
    cpSync(path, moved, { recursive: true });
    await using second = await openLoader(moved, { batchSize: 3, numWorkers: 1, state: loader.state() });
    expect(await samplesOf(second)).toEqual(order.slice(12));
  });

  it("saved at the end of an epoch is the beginning of the next", async () => {
    const { path } = await makeDataset({ samples: 6 });
    await using loader = await openLoader(path, { batchSize: 6, numWorkers: 0 });
    const states: LoaderState[] = [];
    for await (const _ of loader) states.push(loader.state());
    expect(states).toMatchObject([{ epoch: 1, position: 0 }]);
    await using second = await openLoader(path, { batchSize: 6, numWorkers: 0, state: states[0] });
    expect(await linesOf(second)).toEqual(await linesOf(loader));
  });

  it("of another dataset, split or order is refused", async () => {
    const { path } = await makeDataset({ samples: 20 });
    const other = await makeDataset({ samples: 21 });
    await using loader = await openLoader(path, { numWorkers: 0 });
    const state = loader.state();
    expect(await refusalOf(other.path, state)).toMatch(
      /belongs to another data set; expected .*, found .*; open the data set/u,
    );
    expect(await refusalOf(path, { ...state, split: "val" })).toMatch(
      /belongs to another split; expected train, found val/u,
    );
    expect(await refusalOf(path, state, { order: sequential() })).toMatch(/belongs to another order/u);
    expect(await refusalOf(path, state, { order: shuffle({ seed: 1 }) })).toMatch(/belongs to another order/u);
  });

  it.each([
    ["version", 2],
    ["epoch", -1],
    ["epoch", 0.5],
    ["epoch", 2 ** 32],
    ["position", "12"],
    ["order", null],
    ["extra", 1],
    ["__proto__", undefined],
  ])("with an impossible %s (%j) is refused", async (name, value) => {
    const { path } = await makeDataset({ samples: 20 });
    await using loader = await openLoader(path, { numWorkers: 0 });
    const state: Record<string, unknown> = { ...loader.state() };
    if (value === undefined) delete state["epoch"];
    else state[name] = value;
    expect(await refusalOf(path, state)).toMatch(/the state of the loader is damaged.*begin without it/u);
  });

  it("of a single shard without a manifest goes with the shard's content", async () => {
    const { path } = await makeDataset({ samples: 10 });
    const shard = join(path, "train", "shard-00000.arrow");
    await using loader = await openLoader(shard, { batchSize: 4, numWorkers: 0 });
    const all = await linesOf(loader);
    await linesOf(loader.epoch(0), 1);
    await using second = await openLoader(shard, { batchSize: 4, numWorkers: 0, state: loader.state() });
    expect(await linesOf(second)).toEqual(all.slice(1));
  });
});
