import { isMillraceError } from "@millrace/formats";
import { openLoader, sequential, type Batch, type Loader } from "@millrace/loader";
import { describe, expect, it } from "vitest";
import { linesOf, samplesOf } from "./batch-log.js";
import { makeDataset } from "./make-dataset.js";

const ends = async (batches: AsyncIterable<Batch>): Promise<string> => {
  try {
    return (await linesOf(batches)).join("\n");
  } catch (error) {
    return isMillraceError(error, "CLOSED") ? error.detail.problem : String(error);
  }
};

const ANOTHER = "another loop over the loader has begun";

describe.each([0, 2])("loops that begin in the same turn, with %i workers,", (numWorkers) => {
  const open = async (): Promise<{ loader: Loader; lines: string[] }> => {
    const { path } = await makeDataset({ samples: 40 });
    const options = { batchSize: 4, order: sequential(), numWorkers };
    await using reference = await openLoader(path, { ...options, numWorkers: 0 });
    return { loader: await openLoader(path, options), lines: await linesOf(reference) };
  };

  it("leave the loader to the newest, whose batches are right, and end the others", async () => {
    const { loader, lines } = await open();
    await using _ = loader;
    const found = await Promise.all([ends(loader), ends(loader), ends(loader.epoch(0))]);
    expect(found).toEqual([ANOTHER, ANOTHER, lines.join("\n")]);
    expect(loader.state()).toMatchObject({ epoch: 1, position: 0 });
  });

  it("do so while a loop before them is under way, and after it", async () => {
    const { loader, lines } = await open();
    await using _ = loader;
    const first = loader[Symbol.asyncIterator]();
    await first.next();
    const found = await Promise.all([ends(loader.epoch(0)), ends(loader.epoch(1)), ends(loader.epoch(0))]);
    // The epoch under way goes on where the loader stands.
    expect(found).toEqual([ANOTHER, ANOTHER, lines.slice(1).join("\n")]);
    await expect(first.next()).rejects.toThrow(ANOTHER);
    expect(await samplesOf(loader)).toHaveLength(40);
  });

  it("all end if the loader is closed in that turn", async () => {
    const { loader } = await open();
    const found = [ends(loader), ends(loader)];
    await loader.close();
    expect(await Promise.all(found)).toEqual(["the loader is closed", "the loader is closed"]);
  });
});

describe("the iterator of a loop", () => {
  it("serves requests in turn, as an async generator does, whether or not they were awaited", async () => {
    const { path } = await makeDataset({ samples: 20 });
    await using loader = await openLoader(path, { batchSize: 4, numWorkers: 1 });
    const loop = loader.epoch(0)[Symbol.asyncIterator]();
    const asked = [loop.next(), loop.next(), loop.next(), loop.next()];
    const steps = (await Promise.all(asked)).map((result) => (result.value as Batch).step);
    const [last, left, after] = await Promise.all([loop.next(), loop.return?.(), loop.next()]);
    expect([...steps, (last.value as Batch).step]).toEqual([0, 1, 2, 3, 4]);
    expect([left?.done, after.done, (await loop.next()).done]).toEqual([true, true, true]);
    const unused = loader.epoch(1)[Symbol.asyncIterator]();
    expect([await unused.return?.(), await unused.next()]).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
    expect(loader.state().epoch).toBe(1);
    const refused = loader.epoch(1)[Symbol.asyncIterator]();
    await refused.next();
    await expect(refused.throw?.(new Error("enough"))).rejects.toThrow("enough");
    expect((await refused.next()).done).toBe(true);
  });
});
