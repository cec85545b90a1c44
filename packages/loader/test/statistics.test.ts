import { readManifest, writeManifest } from "@millrace/formats";
import { openLoader } from "@millrace/loader";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeDataset } from "./make-dataset.js";

describe("the statistics of a loader", () => {
  it("are those of the manifest, and undefined where there are none or no manifest", async () => {
    const { path } = await makeDataset({ samples: 4 });
    await using without = await openLoader(path, { numWorkers: 0 });
    expect(without.statistics).toBeUndefined();
    await using shard = await openLoader(join(path, "train", "shard-00000.arrow"), { numWorkers: 0 });
    expect(shard.statistics).toBeUndefined();
    const statistics = { field: "image", values: 192, mean: [0.5, 0.4, 0.3], std: [0.1, 0.2, 0.3] };
    await writeManifest(path, { ...(await readManifest(path)), statistics });
    await using loader = await openLoader(path, { numWorkers: 0 });
    expect(loader.statistics).toEqual(statistics);
  });
});
