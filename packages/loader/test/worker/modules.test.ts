import { FORMAT_NAMES, openDataset } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeDataset } from "../make-dataset.js";

/** Writes the URL of each module that the process loads to a file; loads what a worker does, and opens those shards. */
const PROGRAM = `
import { createRequire, register } from "node:module";
const [worker, log, shards] = process.argv.slice(1);
const hooks = \`
  import { appendFileSync } from "node:fs";
  import { EOL } from "node:os";
  let log;
  export const initialize = (data) => { log = data; };
  export const load = (url, context, next) => { appendFileSync(log, url + EOL); return next(url, context); };\`;
register("data:text/javascript," + encodeURIComponent(hooks), { data: log });
await import(worker + "main.js");
const { packShards } = await import(worker + "packed-shards.js");
const { ShardTable } = await import(worker + "shard-table.js");
const locations = JSON.parse(shards);
const table = new ShardTable(packShards(locations), [], 4);
for (const number of locations.keys()) {
  await table.open(number);
  table.byteLength(number, 0, 0);
}
table.close();
console.log(Object.keys(createRequire(worker).cache).join(" "));`;

/** What no worker needs that reads samples by their extents. */
const HEAVY = ["zod", "sharp", "piscina", "yargs", "h5wasm", "tinyglobby", "@cwasm"];

describe("a worker", () => {
  it("loads no library of schemas, no decoder that it is not asked for, and no other format's library", async () => {
    const locations = [];
    for (const format of FORMAT_NAMES) {
      const { path } = await makeDataset({ samples: 2, format });
      await using dataset = await openDataset(path);
      locations.push(dataset.split("train").shards[0]);
    }
    const worker = new URL("../../dist/worker/", import.meta.url).href;
    const log = join(tempDir(), "modules.txt");
    const args = ["--input-type=module", "-e", PROGRAM, worker, log, JSON.stringify(locations)];
    const required = execFileSync(process.execPath, args, { encoding: "utf8" });
    const loaded = `${readFileSync(log, "utf8")}${required}`.split(/\s+/u);
    expect(loaded.some((url) => url.endsWith("/dist/worker/main.js"))).toBe(true);
    expect(loaded.some((url) => url.endsWith("/dist/hdf5/reader.js"))).toBe(true);
    expect(loaded.filter((url) => HEAVY.some((name) => url.includes(`/node_modules/${name}/`)))).toEqual([]);
    expect(loaded.filter((url) => url.endsWith("/dist/hdf5/writer.js"))).toEqual([]);
  });
});
