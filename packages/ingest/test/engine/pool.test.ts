import { convert } from "@millrace/ingest";
import { tempDir } from "@millrace/testkit";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { convertInChild } from "../convert-child.js";
import { writeClasses, writeFile } from "../image-files.js";
import { diff, filesIn } from "../tree.js";

/** Runs in every thread of the child: while fewer than `most` have died, each thread ends itself once it has a shard. */
function deadlyModule(out: string, most: number): string {
  return `
    const { appendFileSync, existsSync, readdirSync, readFileSync } = require("node:fs");
    const { isMainThread } = require("node:worker_threads");
    const log = ${JSON.stringify(join(out, "../deaths"))};
    const folder = ${JSON.stringify(join(out, "train"))};
    const deaths = existsSync(log) ? readFileSync(log, "utf8").length : 0;
    const shards = () => (existsSync(folder) ? readdirSync(folder).length : 0);
    const before = shards();
    const die = () => (appendFileSync(log, "x"), process.exit(3));
    if (!isMainThread && deaths < ${most}) setInterval(() => shards() > before && die(), 1).unref();
  `;
}

async function convertAmongDeaths(most: number) {
  const folder = tempDir();
  const source = join(folder, "photos");
  await writeClasses(source, ["cat", "dog"], 40);
  const options = {
    source,
    out: join(folder, "shards"),
    format: "arrow",
    samplesPerShard: 300,
    numWorkers: 1,
  } as const;
  writeFile(join(folder, "deadly.cjs"), deadlyModule(options.out, most));
  const { end } = convertInChild(options, undefined, { NODE_OPTIONS: `--require=${join(folder, "deadly.cjs")}` });
  const ended = await end;
  return { ...ended, options, deaths: readFileSync(join(folder, "deaths"), "utf8").length };
}

describe("a thread that dies", () => {
  it("is replaced, and its shard is written anew", async () => {
    const { code, options, deaths, events } = await convertAmongDeaths(1);
    expect([code, deaths]).toEqual([0, 1]);
    const seen = events.flatMap(({ progress }) => progress ?? []);
    expect(seen.at(-1)).toMatchObject({ samples: 80, rejected: 0, total: 80, shards: 1 });
    expect(seen.every(({ samples }) => samples >= 0 && samples <= 80)).toBe(true);
    const undisturbed = join(tempDir(), "shards");
    await convert({ ...options, out: undisturbed, numWorkers: 0 });
    expect(diff(undisturbed, options.out)).toBe("");
  });

  it("over and over ends the conversion with the shard's name, and no remains of it", async () => {
    const { code, options, events, deaths } = await convertAmongDeaths(99);
    expect(code).toBe(4);
    expect(deaths).toBe(2);
    expect(events.at(-1)?.error).toMatch(
      /train, shard 0: the thread that wrote the shard died 2 times.*lower numWorkers/u,
    );
    expect(existsSync(join(options.out, "dataset.json"))).toBe(false);
    expect(filesIn(options.out).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});
