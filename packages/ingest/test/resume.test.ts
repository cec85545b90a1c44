import { convert, type ConvertOptions } from "@millrace/ingest";
import { tempDir } from "@millrace/testkit";
import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { imageBytes, writeClasses, writeFile } from "./image-files.js";
import { diff, filesIn } from "./tree.js";

const STOP = new Error("stop");

/** Options of a conversion into 6 shards, and the folder of one that ran undisturbed. */
async function job(): Promise<{ options: ConvertOptions; undisturbed: string }> {
  const source = join(tempDir(), "photos");
  await writeClasses(source, ["cat", "dog"], 15);
  const options = { source, format: "arrow", size: 8, samplesPerShard: 5, numWorkers: 0 } as const;
  const undisturbed = join(tempDir(), "shards");
  await convert({ ...options, out: undisturbed });
  return { options: { ...options, out: join(tempDir(), "shards") }, undisturbed };
}

/** Converts until `shards` shards are finished. */
async function interrupt(options: ConvertOptions, shards: number): Promise<void> {
  const controller = new AbortController();
  const onProgress = (progress: { shards: number }): void => {
    if (progress.shards === shards) controller.abort(STOP);
  };
  await expect(convert({ ...options, signal: controller.signal, onProgress })).rejects.toBe(STOP);
}

describe("a conversion that was interrupted", () => {
  it("goes on by the same command, with other workers and other limits if need be", async () => {
    const { options, undisturbed } = await job();
    await interrupt(options, 3);
    const report = await convert({ ...options, numWorkers: 1, maxRejects: 5, onReject: "fail" });
    expect(report.resumedShards).toBe(3);
    expect(diff(undisturbed, options.out)).toBe("");
  });

  it("does not take a shard for finished whose file is gone or cut, or whose journal is damaged", async () => {
    const { options, undisturbed } = await job();
    await interrupt(options, 5);
    rmSync(join(options.out, "train/shard-00000.arrow"));
    truncateSync(join(options.out, "train/shard-00001.arrow"), 100);
    rmSync(join(options.out, "train/shard-00002.index"));
    writeFileSync(join(options.out, ".millrace-journal/train-00003.json"), '{"split": "train"');
    expect((await convert(options)).resumedShards).toBe(1);
    expect(diff(undisturbed, options.out)).toBe("");
  });

  it("is refused by other options, which are named, until --overwrite begins anew", async () => {
    const { options, undisturbed } = await job();
    await interrupt({ ...options, format: "hdf5", size: 32, compression: "gzip" }, 2);
    await expect(convert({ ...options, format: "hdf5", size: 32 })).rejects.toThrow(
      /expected compression "gzip", found compression null/u,
    );
    await interrupt({ ...options, size: 9, seed: 5, overwrite: true }, 2);
    const before = filesIn(options.out);
    await expect(convert(options)).rejects.toMatchObject({
      code: "OPTION",
      message: expect.stringMatching(
        /unfinished conversion by other options; expected size 9, seed 5, found size 8, seed 0; .*\(--overwrite\)/u,
      ) as string,
    });
    expect(filesIn(options.out)).toEqual(before);
    expect((await convert({ ...options, overwrite: true })).resumedShards).toBe(0);
    expect(diff(undisturbed, options.out)).toBe("");
  });

  it("is refused if the source has other images now", async () => {
    const { options } = await job();
    await interrupt(options, 2);
    writeFile(join(options.source, "cat/new.png"), await imageBytes());
    await expect(convert(options)).rejects.toThrow(/unfinished conversion of other raw images.*--overwrite/u);
    expect((await convert({ ...options, overwrite: true })).samples).toBe(31);
  });

  it("writes the shards anew whose images have changed, and only those", async () => {
    const { options } = await job();
    await interrupt(options, 4);
    writeFile(join(options.source, "cat/3.png"), await imageBytes({ seed: 99 }));
    const resumed = (await convert(options)).resumedShards;
    const fresh = { ...options, out: join(tempDir(), "fresh") };
    await convert(fresh);
    expect(diff(fresh.out, options.out)).toBe("");
    const planned = join(tempDir(), "planned");
    await interrupt({ ...options, out: planned }, 4);
    await writeClasses(options.source, ["cat", "dog"], 15, { width: 24 });
    expect(resumed).toBeGreaterThanOrEqual(3);
    const replaced = { ...options, out: planned };
    expect((await convert(replaced)).resumedShards).toBe(0);
    await convert({ ...fresh, overwrite: true });
    expect(diff(fresh.out, planned)).toBe("");
  });

  it("of a version that nobody knows is not touched without --overwrite", async () => {
    const { options, undisturbed } = await job();
    await interrupt(options, 2);
    writeFileSync(join(options.out, ".millrace-journal/plan.json"), '{"journalVersion": 99}');
    await expect(convert(options)).rejects.toThrow(/holds an unfinished conversion/u);
    await convert({ ...options, overwrite: true });
    expect(diff(undisturbed, options.out)).toBe("");
  });

  it("goes on with --overwrite too, where the options are the same", async () => {
    const { options, undisturbed } = await job();
    await convert({ ...options, size: 4 });
    await interrupt({ ...options, overwrite: true }, 2);
    expect(filesIn(options.out)).not.toContain("dataset.json");
    expect((await convert({ ...options, overwrite: true })).resumedShards).toBe(2);
    expect(diff(undisturbed, options.out)).toBe("");
  });

  it("leaves out nothing of what was rejected before it stopped", async () => {
    const { options } = await job();
    for (const i of [1, 7, 12]) writeFile(join(options.source, `cat/${i}.png`), "spoilt");
    const whole = { ...options, out: join(tempDir(), "whole") };
    await convert(whole);
    await interrupt(options, 4);
    await convert(options);
    expect(readFileSync(join(options.out, "rejects.jsonl"), "utf8").trim().split("\n")).toHaveLength(3);
    expect(diff(whole.out, options.out)).toBe("");
  });
});
