import { fingerprintOf, type Manifest } from "@millrace/formats";
import { convert, type ConvertOptions } from "@millrace/ingest";
import { tempDir } from "@millrace/testkit";
import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeClasses, writeFile } from "./image-files.js";
import { diff, filesIn } from "./tree.js";

const STOP = new Error("stop");

/** Files of the user's with names like ours. */
const THEIRS: readonly string[] = [
  "my-backup/shard-00000.arrow",
  "my-backup/shard-00000.index",
  "my-backup/shard-00000.zip",
  "train/notes.txt",
  "train/shard-00000.zip",
  "val/shard-1.arrow",
];

async function job(): Promise<ConvertOptions> {
  const source = join(tempDir(), "photos");
  await writeClasses(source, ["cat", "dog"], 8);
  return { source, out: join(tempDir(), "shards"), format: "arrow", size: 4, samplesPerShard: 4, numWorkers: 0 };
}

function writeTheirs(out: string, files: readonly string[] = THEIRS): void {
  for (const file of files) writeFile(join(out, file), file);
}

/** Replaces what is in the folder, and compares it with an undisturbed dataset and the user's files beside it. */
async function replaceAndCompare(options: ConvertOptions, theirs: readonly string[] = THEIRS): Promise<string> {
  await convert({ ...options, overwrite: true });
  const expected = join(tempDir(), "expected");
  await convert({ ...options, out: expected });
  writeTheirs(expected, theirs);
  return diff(expected, options.out);
}

describe("overwrite", () => {
  it("removes what the manifest names, and nothing else", async () => {
    const options = await job();
    const theirs = [...THEIRS, "train/shard-00099.arrow", "test/shard-00000.arrow"];
    await convert({ ...options, format: "hdf5", samplesPerShard: 2, valFraction: 0.3 });
    writeTheirs(options.out, theirs);
    expect(await replaceAndCompare(options, theirs)).toBe("");
  });

  it("removes what the plan of an unfinished conversion names, shards that its journal does not know included", async () => {
    const options = await job();
    const controller = new AbortController();
    const onProgress = ({ shards }: { shards: number }): void => void (shards === 3 && controller.abort(STOP));
    const other = { ...options, valFraction: 0.3, samplesPerShard: 2, signal: controller.signal, onProgress };
    await expect(convert(other)).rejects.toBe(STOP);
    for (const name of ["shard-00000.arrow", "shard-00000.index"]) writeFile(join(options.out, "val", name), "lost");
    const theirs = [...THEIRS, "val/shard-00000.tar", "val/shard-00099.arrow"];
    writeTheirs(options.out, theirs);
    expect(await replaceAndCompare(options, theirs)).toBe("");
  });

  it.each([
    ["manifest", "dataset.json", '{"manifestVersion": 99}'],
    ["journal", ".millrace-journal/plan.json", "{"],
  ])("removes shards of the known splits where the %s cannot be read", async (_, file, text) => {
    const options = await job();
    await convert({ ...options, format: "hdf5", samplesPerShard: 2, valFraction: 0.3 });
    writeFile(join(options.out, file), text);
    writeTheirs(options.out);
    expect(await replaceAndCompare(options)).toBe("");
  });

  it("does not follow a split's folder that is a link, nor a path that climbs out of the folder", async () => {
    const options = await job();
    await convert(options);
    const elsewhere = tempDir();
    writeFile(join(elsewhere, "shard-00000.h5"), "x");
    symlinkSync(elsewhere, join(options.out, "test"));
    const victim = join(options.out, "../train/shard-00000.arrow");
    writeFile(victim, "x");
    const file = join(options.out, "dataset.json");
    const manifest = JSON.parse(readFileSync(file, "utf8").replaceAll("train/shard", "../train/shard")) as Manifest;
    writeFileSync(file, JSON.stringify({ ...manifest, fingerprint: fingerprintOf(manifest) }));
    await convert({ ...options, overwrite: true });
    expect(existsSync(victim)).toBe(true);
    expect(filesIn(elsewhere)).toEqual(["shard-00000.h5"]);
  });
});
