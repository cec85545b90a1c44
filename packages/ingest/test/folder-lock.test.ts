import { convert, type ConvertOptions } from "@millrace/ingest";
import { tempDir } from "@millrace/testkit";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { convertInChild } from "./convert-child.js";
import { writeClasses, writeFile } from "./image-files.js";
import { filesIn } from "./tree.js";

async function job(): Promise<ConvertOptions> {
  const source = join(tempDir(), "photos");
  await writeClasses(source, ["cat", "dog"], 30);
  return { source, out: join(tempDir(), "shards"), format: "arrow", size: 8, samplesPerShard: 10, numWorkers: 0 };
}

/** Converts, and returns what the lock said of this process meanwhile. */
async function convertAndSeeOwner(options: ConvertOptions): Promise<object> {
  let owner = {};
  const onProgress = (): void => {
    owner = JSON.parse(readFileSync(join(options.out, ".millrace-lock/owner.json"), "utf8")) as object;
  };
  await convert({ ...options, onProgress });
  return owner;
}

describe("two conversions into one folder", () => {
  it("at once: the second is refused, and the first one finishes", async () => {
    const options = await job();
    const { child, end, stopped } = convertInChild(options, { at: 16, action: "SIGSTOP" });
    await stopped;
    await sleep(50);
    const before = filesIn(options.out);
    const refused = convert({ ...options, overwrite: true });
    await expect(refused).rejects.toMatchObject({
      code: "OPTION",
      message: expect.stringMatching(
        new RegExp(`another process is converting.*process ${child.pid} on .*wait for it or stop it`, "u"),
      ) as string,
    });
    expect(filesIn(options.out)).toEqual(before);
    child.kill("SIGCONT");
    expect(await end).toMatchObject({ code: 0 });
  });

  it("one after the other: a lock whose process was killed blocks nobody", async () => {
    const options = await job();
    const { end } = convertInChild(options, { at: 15, action: "SIGKILL" });
    expect((await end).signal).toBe("SIGKILL");
    expect(filesIn(options.out)).toContain(".millrace-lock/owner.json");
    expect((await convert(options)).samples).toBe(60);
    expect(filesIn(options.out).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("a lock of this process is heeded, one of this process number in another life of it is not", async () => {
    const options = await job();
    const owner = await convertAndSeeOwner(options);
    const out = join(tempDir(), "shards");
    writeFile(join(out, ".millrace-lock/owner.json"), JSON.stringify(owner));
    await expect(convert({ ...options, out })).rejects.toThrow(/another process is converting/u);
    writeFile(join(out, ".millrace-lock/owner.json"), JSON.stringify({ ...owner, startTime: "1" }));
    expect((await convert({ ...options, out })).samples).toBe(60);
  });

  it("the remains of a kill just before the end are tidied by the next call, which touches nothing else", async () => {
    const options = await job();
    const owner = await convertAndSeeOwner(options);
    const before = filesIn(options.out);
    writeFile(join(options.out, ".millrace-lock/owner.json"), JSON.stringify({ ...owner, startTime: "1" }));
    writeFile(join(options.out, ".millrace-0123456789abcdef-.millrace-journal.tmp/plan.json"), "{}");
    await expect(convert(options)).rejects.toThrow(/holds a finished dataset/u);
    expect(filesIn(options.out)).toEqual(before);
  });

  it("a process that lost the lock while it was stopped does not finish the dataset of the other one", async () => {
    const options = await job();
    const lock = join(options.out, ".millrace-lock/owner.json");
    const onProgress = ({ samples }: { samples: number }): void => {
      if (samples < 60) return;
      const owner = JSON.parse(readFileSync(lock, "utf8")) as object;
      writeFile(lock, JSON.stringify({ ...owner, token: "f".repeat(32) }));
    };
    await expect(convert({ ...options, onProgress })).rejects.toMatchObject({
      code: "OPTION",
      message: expect.stringMatching(/another process has taken the folder over.*process \d+ on .*repeat/u) as string,
    });
    expect(filesIn(options.out)).not.toContain("dataset.json");
    expect(readFileSync(lock, "utf8")).toContain("f".repeat(32));
  });

  it("a living process that /proc hides is not taken for dead", async ({ skip }) => {
    const options = await job();
    const owner = await convertAndSeeOwner(options);
    const folder = tempDir();
    const out = join(folder, "shards");
    writeFile(join(out, ".millrace-lock/owner.json"), JSON.stringify(owner));
    for (const theirs of [folder, join(options.source, "..")]) spawnSync("chown", ["-R", "65534", theirs]);
    // As another user than that of this process, where nobody sees the processes of others.
    const nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups";
    const hidden = `mount -t proc -o hidepid=2 proc /proc && exec ${nobody} `;
    const shell = (rest: string) =>
      spawnSync("unshare", ["-m", "sh", "-c", `${hidden}${rest}`], {
        cwd: fileURLToPath(new URL("..", import.meta.url)),
        env: { ...process.env, OWNER: String(process.pid), NODE: process.execPath, OUT: out, SOURCE: options.source },
        encoding: "utf8",
      });
    if (shell("test ! -e /proc/$OWNER -a -x $NODE -a -r package.json").status !== 0)
      skip("processes cannot be hidden here");
    const program = `
      import { convert } from "@millrace/ingest";
      const { OUT: out, SOURCE: source } = process.env;
      await convert({ source, out, format: "arrow", numWorkers: 0 }).catch((error) => console.log(error.message));`;
    expect(shell(`"$NODE" --input-type=module -e '${program}'`).stdout).toMatch(/another process is converting/u);
  });
});
