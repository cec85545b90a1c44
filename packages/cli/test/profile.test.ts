import {
  cpSync,
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
import { beforeAll, describe, expect, it } from "vitest";
import { trainingLoaderOptions } from "../dist/training-loader.js";
import { millrace, millraceWatched } from "./captured-io.js";
import { makePhotos } from "./photos.js";

describe("millrace profile", () => {
  let work: string;
  let shards: string;
  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), "millrace-cli-profile-"));
    shards = join(work, "shards");
    const photos = await makePhotos(join(work, "photos"));
    const flags = ["--size", "16", "--val-fraction", "0.34", "--num-workers", "1"];
    await millrace("convert", photos, shards, ...flags);
    return () => rmSync(work, { recursive: true, force: true });
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
});
