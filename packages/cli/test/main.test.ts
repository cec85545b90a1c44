import { tempDir } from "@millrace/testkit";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";

import { millrace } from "./captured-io.js";
import { makePhotos } from "./photos.js";

describe("millrace", () => {
  it("--help names every command, and each command's --help has examples", async () => {
    const help = await millrace("--help");
    expect(help.code).toBe(0);
    for (const command of [
      "convert",
      "inspect",
      "head",
      "verify",
      "train",
      "sweep",
      "profile",
      "compress",
      "backend",
    ]) {
      expect(help.stdout).toContain(`millrace ${command}`);
      const { code, stdout } = await millrace(command, "--help");
      expect(code).toBe(0);
      expect(stdout).toMatch(/Examples:\s+millrace/u);
    }
  });

  it.each([
    ["an unknown flag", ["inspect", "x", "--colour"], /Unknown argument: colour; see millrace --help/u],
    ["an unknown command", ["conver", "a", "b"], /Did you mean convert\?|Unknown/u],
    ["no command", [], /name a command/u],
    ["a missing argument", ["convert", "photos"], /Not enough non-option arguments/u],
    ["a flag without its value", ["convert", "photos", "shards", "--size"], /Not enough arguments following: size/u],
  ])("refuses %s with exit code 2 and one line", async (_, args, message) => {
    const { code, stdout, stderr } = await millrace(...args);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  it("says its version", async () => {
    expect((await millrace("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/u);
  });
});

describe("the commands, one after the other", () => {
  let work: string;
  let photos: string;
  let shards: string;
  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), "millrace-cli-"));
    photos = await makePhotos(join(work, "photos"));
    writeFileSync(join(photos, "dark", "text.jpg"), "this is no image");
    shards = join(work, "shards");
    return () => rmSync(work, { recursive: true, force: true });
  });

  it("convert makes a dataset, reports what it rejected, and shows progress on stderr", async () => {
    const { code, stdout, stderr } = await millrace(
      "convert",
      photos,
      shards,
      "--size",
      "16",
      "--val-fraction",
      "0.34",
      "--num-workers",
      "1",
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/12 samples in hdf5/u);
    expect(stdout).toMatch(/1 rejected.*\n.*\n?.*dark\/text\.jpg +unsupported/su);
    expect(stderr).toMatch(/convert: 13 of 13, 1 rejected/u);
  });

  it("inspect shows the schema, the splits, the classes and how fields are read, as text and as JSON", async () => {
    const text = await millrace("inspect", shards);
    expect(text.stdout).toMatch(/image +uint8 \[16, 16, 3\] +pread/u);
    expect(text.stdout).toMatch(/train +9 +1/u);
    const { stdout } = await millrace("inspect", shards, "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      format: "hdf5",
      classes: ["dark", "light"],
      splits: [
        { name: "train", samples: 9 },
        { name: "val", samples: 3 },
      ],
    });
  });

  it("verify finds nothing in it", async () => {
    const { code, stdout } = await millrace("verify", shards);
    expect(code).toBe(0);
    expect(stdout).toMatch(/12 samples in 2 shards.*every byte is what was written/u);
  });

  it("train writes checkpoints and reports, refuses a used folder, and resumes", async () => {
    const out = join(work, "run");
    const flags = ["--batch-size", "4", "--backend", "wasm", "--num-workers", "1", "--out", out, "-q"];
    const first = await millrace("train", shards, "--epochs", "1", ...flags);
    expect(first.stderr).toBe("");
    expect(first.code).toBe(0);
    expect(readdirSync(out)).toEqual(
      expect.arrayContaining(["best.safetensors", "model", "report.html", "report.json"]),
    );
    const again = await millrace("train", shards, "--epochs", "2", ...flags);
    expect(again.code).toBe(2);
    expect(again.stderr).toMatch(/--resume/u);
    const resumed = await millrace("train", shards, "--epochs", "2", "--resume", ...flags, "--json");
    expect(resumed.code).toBe(0);
    expect(JSON.parse(resumed.stdout)).toMatchObject({
      kind: "train",
      firstStep: 3,
      epochs: [{ epoch: 0 }, { epoch: 1 }],
    });
    const before = readFileSync(join(out, "report.json"), "utf8");
    const finished = await millrace("train", shards, "--epochs", "2", "--resume", ...flags);
    expect(finished.code).toBe(2);
    expect(finished.stderr).toMatch(/option epochs: the run is finished; expected more than the 2 epochs.*--epochs/u);
    expect(readFileSync(join(out, "report.json"), "utf8")).toBe(before);
  });

  it("train --log writes the logs it is told", async () => {
    const out = join(work, "logged");
    const flags = ["--batch-size", "4", "--backend", "wasm", "--num-workers", "0", "--epochs", "1", "--out", out, "-q"];
    const unknown = await millrace("train", shards, ...flags, "--log", "csv,wandb");
    expect(unknown).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/tensorboard \| csv \| ndjson/u) as string,
    });
    expect((await millrace("train", shards, ...flags, "--log", "tensorboard,csv,ndjson")).code).toBe(0);
    const names = readdirSync(out);
    expect(names).toEqual(expect.arrayContaining(["log.csv", "log.ndjson"]));
    expect(names.filter((name) => name.startsWith("events.out.tfevents."))).toHaveLength(1);
    expect(readFileSync(join(out, "log.csv"), "utf8")).toMatch(/\nepoch,3,/u);
  });

  it("sweep tries every combination, lists what failed, and does not repeat what finished", async () => {
    const out = join(work, "sweep");
    const flags = ["--batch-size", "4", "--backend", "wasm", "--num-workers", "0", "--epochs", "1", "--out", out];
    const grid = ["--grid", "learning-rate=0.001,0.01", "--grid", "optimizer=adam,lion"];
    const first = await millrace("sweep", shards, ...grid, ...flags);
    expect(first.code).toBe(0);
    expect(first.stderr).toMatch(/sweep: 4 of 4, learningRate=0.01,optimizer=lion: failed: option optimizer/u);
    expect(first.stdout).toMatch(
      /learningRate +optimizer +validationAccuracy[\s\S]*2 of 4 runs failed[\s\S]*best: .*adam/u,
    );
    expect(readFileSync(join(out, "report.csv"), "utf8").split("\n")).toHaveLength(6);
    const again = await millrace("sweep", shards, ...grid, ...flags, "--json");
    const { runs } = JSON.parse(again.stdout) as { runs: { wasKept: boolean; error?: unknown }[] };
    expect(runs.map(({ wasKept }) => wasKept)).toEqual([true, true, false, false]);
    const other = await millrace("sweep", shards, ...grid, ...flags, "--seed", "7");
    expect(other).toMatchObject({ code: 4, stderr: expect.stringMatching(/other settings/u) as string });
  });

  it.each([
    [["optimizer"], /learning-rate=0.001,0.01/u],
    [["backend=wasm,cpu"], /does not vary/u],
    [["learning-rate=fast"], /no number/u],
    [["seed=1", "seed=2"], /twice/u],
  ])("sweep refuses the grid %j", async (grid, message) => {
    const flags = grid.flatMap((values) => ["--grid", values]);
    const { code, stderr } = await millrace("sweep", shards, ...flags, "--out", join(work, "refused"));
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it("sweep takes every other flag once", async () => {
    const { code, stderr } = await millrace("sweep", shards, "--grid", "seed=1,2", "--epochs", "1", "--epochs", "2");
    expect(code).toBe(2);
    expect(stderr).toMatch(/--epochs is given twice/u);
  });

  it.each([
    ["inspect", /there is no dataset here/u],
    ["head", /there is no dataset here/u],
    ["verify", /there is no dataset here/u],
    ["train", /there is no dataset here/u],
    ["profile", /there is no dataset here/u],
  ])("%s of a folder without a dataset exits with 3", async (command, message) => {
    const { code, stderr } = await millrace(command, tempDir());
    expect(code).toBe(3);
    expect(stderr).toMatch(message);
  });
});
