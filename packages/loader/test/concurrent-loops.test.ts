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
