import { tempDir } from "@millrace/testkit";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { describe, expect, it } from "vitest";

const BIN = fileURLToPath(new URL("../dist/bin.js", import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Run {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Sends a signal, or closes a pipe, as soon as this is on stderr. */
  readonly when?: RegExp;
  readonly act?: "SIGINT" | "SIGTERM" | "close stderr" | "close stdout";
}

/** Runs the command as a process of its own. */
function run({ args, env = {}, cwd, when, act }: Run): Promise<Ended> {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 60_000,
  });
  let stdout = "";
  let stderr = "";
  let acted = false;
  const perform = (): void => {
    if (act === undefined || acted || when?.test(stderr) === false) return;
    acted = true;
    if (act === "close stderr") child.stderr.destroy();
    else if (act === "close stdout") child.stdout.destroy();
    else child.kill(act);
  };
  if (when === undefined) perform();
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
    perform();
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

async function makePhotos(count: number): Promise<string> {
  const photos = join(tempDir(), "photos");
  for (const name of ["cat", "dog"]) {
    mkdirSync(join(photos, name), { recursive: true });
    for (let n = 0; n < count / 2; n++) {
      const background = { r: n, g: 10, b: name === "cat" ? 0 : 255 };
      await sharp({ create: { width: 12, height: 10, channels: 3, background } })
        .png()
        .toFile(join(photos, name, `${n}.png`));
    }
  }
  return photos;
}

describe("the process", () => {
  it("does not take variables of the environment for flags, and speaks English everywhere", async () => {
    const env = {
      MILLRACE_REQUIRE: "all",
      MILLRACE_TIER: "long",
      MILLRACE_SEED: "7",
      LC_ALL: "de_DE.UTF-8",
      LANG: "de_DE.UTF-8",
    };
    const out = join(tempDir(), "shards");
    expect((await run({ args: ["convert", await makePhotos(4), out, "-q", "--num-workers", "0"], env })).code).toBe(0);
    const help = await run({ args: ["--help"], env });
    expect(help.stdout).toContain("Options:");
    expect((await run({ args: ["nosuch"], env })).stderr).toContain("Unknown argument: nosuch");
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)(
    "ends with %s in good order: exit code %d, one line, and the same command finishes the job",
    async (signal, code) => {
      const out = join(tempDir(), "shards");
      const args = [
        "convert",
        await makePhotos(160),
        out,
        "--size",
        "200",
        "--samples-per-shard",
        "20",
        "--num-workers",
        "1",
      ];
      const ended = await run({ args, when: /convert: \d+ of 160/u, act: signal });
      expect(ended.stderr.trim().split("\n").at(-1)).toBe(`millrace: stopped by ${signal}`);
      expect(ended.code).toBe(code);
      expect(existsSync(join(out, "dataset.json"))).toBe(false);
      expect((await run({ args: [...args, "-q"] })).code).toBe(0);
      expect((await run({ args: ["verify", out, "-q"] })).code).toBe(0);
    },
  );

  it("goes on when nobody reads its progress or its output any more", async () => {
    const out = join(tempDir(), "shards");
    const args = [
      "convert",
      await makePhotos(60),
      out,
      "--size",
      "64",
      "--samples-per-shard",
      "10",
      "--num-workers",
      "1",
    ];
    expect((await run({ args, when: /convert: \d+/u, act: "close stderr" })).code).toBe(0);
    expect(existsSync(join(out, "dataset.json"))).toBe(true);
    expect((await run({ args: ["inspect", out], act: "close stdout" })).code).toBe(0);
  });

  it("makes no folder for a run that cannot begin", async () => {
    const cwd = tempDir();
    expect((await run({ args: ["train", "nosuch", "-q"], cwd })).code).toBe(3);
    expect(existsSync(join(cwd, "run"))).toBe(false);
  });
});
