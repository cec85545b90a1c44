import { tempDir } from "@millrace/testkit";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { trainingLoaderOptions } from "../dist/training-loader.js";
import { millrace, millraceWatched } from "./captured-io.js";

/** Two classes of grey squares, six of each. */
async function makePhotos(dir: string): Promise<string> {
  for (const [label, name] of ["dark", "light"].entries()) {
    mkdirSync(join(dir, name), { recursive: true });
    for (let n = 0; n < 6; n++) {
      const level = 40 + 150 * label + 5 * n;
      const background = { r: level, g: level, b: level };
      await sharp({ create: { width: 20, height: 20, channels: 3, background } })
        .png()
        .toFile(join(dir, name, `${n}.png`));
    }
  }
  return dir;
}

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

  it("profile prints a report as text, JSON and HTML, and a trace", async () => {
    const html = join(work, "report.html");
    const flags = [
      "--batch-size",
      "4",
      "--steps",
      "3",
      "--warmup-steps",
      "1",
      "--backend",
      "wasm",
      "--num-workers",
      "1",
      "--no-phases",
    ];
    const trace = join(work, "trace.json");
    const text = await millrace("profile", shards, ...flags, "--html", html, "--trace", trace);
    expect(text.stderr).not.toMatch(/millrace:/u);
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(/stall[\s\S]*copy[\s\S]*compute[\s\S]*other/u);
    expect(readFileSync(html, "utf8")).toMatch(/^<!doctype html>/iu);
    expect(JSON.parse(readFileSync(trace, "utf8"))).toMatchObject({ otherData: { droppedSpans: 0 } });
    const { stdout } = await millrace("profile", shards, ...flags, "--json");
    expect(JSON.parse(stdout)).toMatchObject({ kind: "profile", budget: { steps: 3 } });
  });

  it("profile --step-ms measures the input against a timer, applies what helps, and keeps a history", async () => {
    const history = join(work, "runs.ndjson");
    const device = ["--step-ms", "3", "--batch-size", "4", "--num-workers", "1", "--history", history];
    const flags = [...device, "--steps", "25", "--warmup-steps", "2", "--phase-seconds", "0.05"];
    const first = await millrace("profile", shards, ...flags, "--apply", "--inject-prep-ms", "1", "--json");
    expect(first.stderr).toBe("");
    const report = JSON.parse(first.stdout) as { readonly applied: readonly { readonly name: string }[] };
    // Fifty milliseconds of a busy machine may say that nothing helps.
    for (const { name } of report.applied) expect(name).toMatch(/^(workers|prefetch depth): /u);
    const lines = readFileSync(history, "utf8").trim().split("\n");
    expect(lines).toHaveLength(1 + report.applied.length);
    const second = await millrace("profile", shards, ...flags, "--read-ahead");
    expect(second.code).toBe(0);
    expect(second.stderr).toMatch(/measuring the step alone/u);
    expect(second.stdout).toMatch(/device: a timer of 3 ms a batch/u);
    expect(second.stdout.match(/^before: /gmu)).toHaveLength(lines.length);
  });

  it("--read-ahead is the option of the loader", () => {
    const flags = {
      augment: "none",
      batchSize: 4,
      cropArea: 1,
      numWorkers: 2,
      prefetchDepth: 3,
      seed: 0,
      size: 8,
      readAhead: true,
    } as const;
    const image = { height: 8, width: 8, channels: 3 };
    const options = trainingLoaderOptions(flags, image, new AbortController().signal);
    expect(options).toMatchObject({ batchSize: 4, numWorkers: 2, prefetchDepth: 3, readAhead: true });
  });

  it("profile refuses what cannot be, and a history that is broken", async () => {
    const both = await millrace("profile", shards, "--step-ms", "3", "--apply", "--no-phases");
    expect(both.code).toBe(2);
    expect(both.stderr).toMatch(/option apply.*leave out one of the two/u);
    const history = join(work, "broken.ndjson");
    writeFileSync(history, "{oops\n");
    const broken = await millrace("profile", shards, "--step-ms", "3", "--history", history);
    expect(broken.stderr).toMatch(/broken\.ndjson: line 1 is no run/u);
    expect(readFileSync(history, "utf8")).toBe("{oops\n");
  });

  it.each([
    ["--step-ms", "0", /option stepMs: .*expected milliseconds above 0, at most an hour, found 0/u],
    ["--step-ms", "3600001", /option stepMs: .*found 3600001/u],
    ["--step-ms", "soon", /option stepMs: .*found NaN/u],
    ["--phase-seconds", "0", /option phaseSeconds: .*expected seconds above 0, at most an hour, found 0/u],
    ["--phase-seconds", "3601", /option phaseSeconds: .*found 3601/u],
  ])("profile %s %s is refused by the name that was typed, before anything is opened", async (flag, value, message) => {
    const { code, stderr } = await millrace("profile", join(work, "no-dataset"), flag, value);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it.each(["--html", "--trace", "--history"])(
    "profile %s refuses a file that cannot be written before it measures",
    async (flag) => {
      const file = join(work, "no-folder", "file");
      const { code, stdout, stderr } = await millrace("profile", shards, "--step-ms", "3", flag, file);
      expect(code).toBe(3);
      expect(stdout).toBe("");
      expect(stderr).toMatch(/^millrace: .*no-folder\/file: cannot write the file: no such file or folder/u);
      expect(stderr).not.toMatch(/profile: /u);
    },
  );

  it.each([
    ["--html", "stdout", "--no-phases", /stall[\s\S]*compute[\s\S]*Measuring cost/u],
    ["--trace", "stdout", "--no-phases", /stall[\s\S]*compute[\s\S]*Measuring cost/u],
    ["--history", "stderr", "--phases", /Keep in mind[\s\S]*The run is not in the history/u],
  ] as const)(
    "profile prints its report even if %s cannot be written when the run is over",
    async (flag, stream, phases, text) => {
      const folder = mkdtempSync(join(work, "full-"));
      const on = { [stream]: () => rmSync(folder, { recursive: true, force: true }) };
      const device = ["--step-ms", "1", "--batch-size", "4", "--num-workers", "0", "--phase-seconds", "0.05", phases];
      const flags = [...device, "--steps", "3", "--warmup-steps", "1", flag, join(folder, "file")];
      const { code, stdout, stderr } = await millraceWatched(on, "profile", shards, ...flags);
      expect(code).toBe(3);
      expect(stdout).toMatch(text);
      expect(stderr).toMatch(/^millrace: .*full-\w+\/file: cannot write the \w+: no such file or folder/mu);
    },
  );

  it("profile --history knows a dataset however its path is typed", async () => {
    const history = join(work, "places.ndjson");
    const flags = ["--step-ms", "1", "--batch-size", "4", "--num-workers", "0", "--steps", "3", "--no-phases", "-q"];
    const link = join(work, "link");
    symlinkSync(shards, link);
    const places = [shards, `${shards}/`, relative(process.cwd(), shards), link];
    for (const [earlier, place] of places.entries()) {
      const { stdout } = await millrace("profile", place, ...flags, "--history", history);
      expect(stdout.match(/^before: /gmu)?.length ?? 0).toBe(earlier);
    }
    const lines = readFileSync(history, "utf8").trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { readonly dataset: string }).dataset)).toEqual(
      places.map(() => realpathSync(shards)),
    );
  });

  it("profile states in its report what ended the run, and exits as the error says", async () => {
    const damaged = join(work, "damaged");
    cpSync(shards, damaged, { recursive: true });
    const [shard = ""] = readdirSync(join(damaged, "train")).filter((name) => !name.endsWith(".index"));
    const bytes = readFileSync(join(damaged, "train", shard));
    const isGrey = (level: number, at: number): boolean =>
      level >= 40 && bytes.subarray(at, at + 200).every((byte) => byte === level);
    bytes[bytes.findIndex(isGrey)] = 0;
    writeFileSync(join(damaged, "train", shard), bytes);
    const flags = ["--step-ms", "1", "--batch-size", "1", "--num-workers", "1", "--warmup-steps", "0", "--json"];
    const { code, stdout, stderr } = await millrace("profile", damaged, ...flags);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^millrace: /u);
    const { failure } = JSON.parse(stdout) as { readonly failure: { readonly code: string; readonly text: string } };
    expect(stderr).toContain(failure.text);
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
