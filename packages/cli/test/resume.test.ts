import { readCheckpoint } from "@millrace/train";
import { tempDir } from "@millrace/testkit";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { millrace } from "./captured-io.js";
import { interrupted, interruptedOnce, makeImages, uninterrupted } from "./interrupted-runs.js";

describe("train --resume", () => {
  it("after SIGKILL and after Ctrl-C ends with the bits of a run that nothing interrupted", async () => {
    const shards = await makeImages();
    const whole = await uninterrupted(shards, "wasm");
    const parts = await interrupted(shards, "wasm", [
      { step: 6, signal: "SIGKILL" },
      { step: 15, signal: "SIGINT" },
    ]);
    expect(parts).toEqual(whole);
  });

  it("writes what a run that was killed at its end lacks, and nothing twice", async () => {
    const [shards, out] = [await makeImages(), join(tempDir(), "run")];
    const flags = ["--batch-size", "32", "--backend", "wasm", "--num-workers", "0", "--out", out, "-q"];
    expect((await millrace("train", shards, "--epochs", "1", ...flags)).code).toBe(0);
    const [model, json, html] = ["model", "report.json", "report.html"].map((name) => join(out, name)) as [
      string,
      string,
      string,
    ];
    const weightsIn = (): string | undefined => readdirSync(model).find((name) => name.endsWith(".bin"));
    const before = [readFileSync(json, "utf8"), weightsIn()];
    for (const path of [model, html]) rmSync(path, { recursive: true });
    const resume = ["train", shards, "--resume", ...flags, "--epochs"];
    expect(await millrace(...resume, "1")).toMatchObject({ code: 0, stderr: "" });
    expect([readFileSync(json, "utf8"), weightsIn(), existsSync(html)]).toEqual([...before, true]);
    expect((await millrace(...resume, "1")).stderr).toMatch(/the run is finished/u);
    // These files are of fewer epochs than the checkpoint.
    expect((await millrace(...resume, "2")).code).toBe(0);
    const weights = weightsIn();
    writeFileSync(json, before[0] as string);
    rmSync(join(model, weights as string));
    expect((await millrace(...resume, "2")).code).toBe(0);
    expect([weightsIn(), JSON.parse(readFileSync(json, "utf8"))]).toMatchObject([weights, { epochs: [{}, {}] }]);
  });
});

describe("sweep, called again,", () => {
  it("tells a run that was killed before its result as it tells the others: by its best epoch", async () => {
    const [shards, out] = [await makeImages(), join(tempDir(), "sweep")];
    const stop = ["--epochs", "9", "--early-stop", "1", "--metric", "loss", "--min-delta", "10"];
    const flags = ["--batch-size", "32", "--backend", "wasm", "--num-workers", "0", "--out", out, "--json", ...stop];
    const sweep = async (): Promise<unknown> => {
      const { code, stdout } = await millrace("sweep", shards, "--grid", "seed=1", ...flags);
      return [code, (JSON.parse(stdout) as { runs: { metrics: unknown }[] }).runs[0]?.metrics];
    };
    const first = await sweep();
    const report = JSON.parse(readFileSync(join(out, "seed=1", "report.json"), "utf8")) as {
      epochs: { loss: number }[];
    };
    expect(first).toEqual([0, expect.objectContaining({ loss: report.epochs[0]?.loss })]);
    expect(report.epochs).toHaveLength(2);
    const run = join(out, "seed=1");
    // Only to be told; stopped early, its model to be written; and with the checkpoint of the best epoch alone.
    for (const lost of [/^result/u, /^(?:result|model)/u, /^(?:result|model|report|checkpoint)/u]) {
      for (const name of readdirSync(run)) if (lost.test(name)) rmSync(join(run, name), { recursive: true });
      expect(await sweep()).toEqual(first);
    }
    expect(existsSync(join(run, "model", "model.json"))).toBe(true);
  });
});

describe("a second signal", () => {
  it("ends the process at once, and what was saved before stays", async () => {
    const out = join(tempDir(), "run");
    const ended = await interruptedOnce(await makeImages(), out, { step: 3, signal: "SIGINT", second: "SIGTERM" });
    expect([ended.code, ended.stderr]).toEqual([null, expect.not.stringContaining("saved:")]);
    expect(["SIGINT", "SIGTERM"]).toContain(ended.killedBy);
    expect((await readCheckpoint(out)).step).toBeGreaterThanOrEqual(3);
  });
});
