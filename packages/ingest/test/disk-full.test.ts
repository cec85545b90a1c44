import { convert } from "@millrace/ingest";
import { tempDir } from "@millrace/testkit";
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { writeClasses, writeFile } from "./image-files.js";
import { filesIn } from "./tree.js";

/** A file system of a few KiB, where this process may mount one. */
function mountTiny(bytes: number): string | undefined {
  const folder = tempDir();
  if (process.platform !== "linux") return undefined;
  if (spawnSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder]).status !== 0) return undefined;
  onTestFinished(() => void spawnSync("umount", ["-l", folder]));
  return folder;
}

it.for([
  ["arrow", /shard-0000\d.*: cannot .*: the disk is full; free /u],
  // The HDF5 library does not say why it cannot write.
  ["hdf5", /shard-0000\d.*: cannot /u],
] as const)(
  "a full disk is an error of the file, and the same call goes on once there is room (%s)",
  async ([format, text], context) => {
    const disk = mountTiny(300_000);
    if (disk === undefined) return context.skip("no file system can be mounted here");
    const source = join(tempDir(), "photos");
    await writeClasses(source, ["cat", "dog"], 20);
    const out = join(disk, "shards");
    writeFile(join(disk, "ballast"), new Uint8Array(130_000));
    const options = { source, out, format, size: 32, samplesPerShard: 10, numWorkers: 0 } as const;
    await expect(convert(options)).rejects.toMatchObject({
      code: "FILE",
      exitCode: 3,
      message: expect.stringMatching(text) as string,
    });
    expect(filesIn(out)).not.toContain("dataset.json");
    expect(filesIn(out).filter((name) => name.endsWith(".tmp") || name.includes("-lock"))).toEqual([]);
    rmSync(join(disk, "ballast"));
    expect((await convert(options)).samples).toBe(40);
  },
);
