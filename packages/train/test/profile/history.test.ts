import { tempDir } from "@millrace/testkit";
import { profile, profileAndApply, readHistory, type ProfileReport } from "@millrace/train";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { HandClock } from "../hand-clock.js";
import { millraceError } from "../rejection.js";
import { FakeLoader, UNMEASURED } from "./fake-loader.js";

const COSTS = { numWorkers: 1, coldMs: 0.02, warmMs: 0.01, prepMs: 4 };
const NOW = (): Date => new Date("2026-05-01T12:34:56Z");

async function run(file: string, dataset = "shards/"): Promise<ProfileReport> {
  const clock = new HandClock();
  const loader = new FakeLoader(clock, COSTS);
  const history = { file, dataset, now: NOW };
  return await profile({ loader, step: () => clock.pass(20), steps: 30, clock, phases: false, history });
}

function unreachable(): void {
  expect.unreachable();
}

function before(report: ProfileReport): string[] {
  return report.facts.filter(({ name }) => name === "before").map(({ value }) => value);
}

describe("the history of a profile", () => {
  it("has one line a run, which later runs of the same dataset show", async () => {
    const file = join(tempDir(), "runs.ndjson");
    expect(before(await run(file))).toEqual([]);
    await run(file, "others/");
    expect(before(await run(file))).toEqual([
      "2026-05-01 12:34, batches of 10, 1 worker, prefetch depth 4: input-bound, 249 samples/s",
    ]);
    expect(readFileSync(file, "utf8").trim().split("\n")).toHaveLength(3);
    expect((await readHistory(file))[1]).toMatchObject({ dataset: "others/", verdict: "input-bound" });
  });

  it("has what was changed, predicted and measured", async () => {
    const file = join(tempDir(), "runs.ndjson");
    const clock = new HandClock();
    const report = await profileAndApply<unknown>({
      open: (setting) => Promise.resolve(new FakeLoader(clock, COSTS, setting)),
      step: () => clock.pass(25),
      steps: 30,
      clock,
      phases: { ...UNMEASURED },
      rounds: 1,
      history: { file, dataset: "shards/", now: NOW },
    });
    const [, entry] = await readHistory(file);
    expect(entry).toMatchObject({
      change: report.applied?.[0]?.name,
      predictedPerSec: expect.closeTo(400, 6) as number,
      verdict: "compute-bound",
    });
    expect(before(await run(file)).at(-1)).toMatch(/400 samples\/s after .*workers.*, predicted 400 \(0 % off\)$/u);
  });

  it("is empty where there is no file", async () => {
    expect(await readHistory(join(tempDir(), "none.ndjson"))).toEqual([]);
  });

  it.each([
    ["no JSON", "{oops}\n", /line 1 is no run/u],
    ["something else", '{"historyVersion":1}\n', /line 1 is no run.*when/u],
    ["a newer version", '{"historyVersion":2}\n', /historyVersion/u],
    ["half a line, of a run that was killed", '{"historyVersion":1,"when":"20', /the line does not end/u],
  ])("refuses a file with %s before it measures, and leaves it as it is", async (_, text, why) => {
    const file = join(tempDir(), "runs.ndjson");
    writeFileSync(file, text);
    const error = await millraceError(run(file));
    expect(error.code).toBe("STATE");
    expect(error.message).toMatch(why);
    expect(error.message).toContain("nothing was written");
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  it.each([
    ["a folder in its place", [], /runs: cannot read the history: is a folder, not a file/u],
    [
      "a folder that is not there",
      ["no", "runs.ndjson"],
      /runs\.ndjson: cannot write the file: no such file or folder/u,
    ],
  ])("refuses %s before it measures", async (_, path, why) => {
    const folder = join(tempDir(), "runs");
    mkdirSync(folder);
    const history = { file: join(folder, ...path), dataset: "shards/" };
    const error = await millraceError(profile({ loader: [1, 2, 3], step: unreachable, history }));
    expect(error.code).toBe("FILE");
    expect(error.message).toMatch(why);
  });

  it("does not take the report with it if it cannot be written when the run is over", async () => {
    const file = join(tempDir(), "runs.ndjson");
    const clock = new HandClock();
    const step = (): void => {
      mkdirSync(file, { recursive: true });
      clock.pass(20);
    };
    const options = { loader: [1, 2, 3], step, steps: 30, clock, phases: false };
    const report = await profile({ ...options, history: { file, dataset: "shards/" } });
    expect(report.verdict.kind).toBe("compute-bound");
    expect(report.warnings.find(({ code }) => code === "no-history")?.text).toMatch(
      /^The run is not in the history: .*runs\.ndjson: cannot write the history: is a folder/u,
    );
  });

  it("says nothing of how far a prediction was off for a run that gave no samples", async () => {
    const file = join(tempDir(), "runs.ndjson");
    const entry = {
      historyVersion: 1,
      when: NOW().toISOString(),
      dataset: "shards/",
      setting: {},
      verdict: "undecided",
      samplesPerSec: 0,
      change: "workers: 1 -> 2",
      predictedPerSec: 400,
    };
    writeFileSync(file, `${JSON.stringify(entry)}\n`);
    expect(before(await run(file))).toEqual([
      "2026-05-01 12:34: undecided, 0 samples/s after workers: 1 -> 2, predicted 400",
    ]);
  });
});
