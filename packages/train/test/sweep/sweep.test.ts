import { BackendError } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { sweep, sweepTable, sweepToCsv, sweepToJson, type SweepReport, type SweepRun } from "@millrace/train";
import * as fc from "fast-check";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { rejection } from "../rejection.js";

const grid = { learningRate: [0.1, 0.01], optimizer: ["adam", "sgd"] } as const;
const name = (learningRate: number, optimizer: string) => `learningRate=${learningRate},optimizer=${optimizer}`;

/** The best is 0.01 with sgd. */
async function score({ learningRate, optimizer }: { learningRate: number; optimizer: string }): Promise<{
  accuracy: number;
  loss: number;
}> {
  await Promise.resolve();
  return { accuracy: (1 - learningRate) * (optimizer === "sgd" ? 1 : 0.5), loss: learningRate };
}

const namesOf = ({ runs }: SweepReport) => runs.map((run) => run.name);

describe("sweep", () => {
  it("tries every combination once, in the order of the grid, and lists the best first", async () => {
    const tried: string[] = [];
    const told: string[] = [];
    const report = await sweep({
      grid,
      run: async (point) => {
        tried.push(name(point.learningRate, point.optimizer));
        return await score(point);
      },
      onRun: (run, done, total) => told.push(`${done}/${total} ${run.name}`),
    });
    const order = [name(0.1, "adam"), name(0.1, "sgd"), name(0.01, "adam"), name(0.01, "sgd")];
    expect(tried).toEqual(order);
    expect(told).toEqual(order.map((run, at) => `${at + 1}/4 ${run}`));
    expect(namesOf(report)).toEqual([name(0.01, "sgd"), name(0.1, "sgd"), name(0.01, "adam"), name(0.1, "adam")]);
  });

  it("by a metric of which less is better, the least comes first", async () => {
    const report = await sweep({ grid, metric: "loss", goal: "min", run: score });
    expect(report.runs.map(({ metrics }) => metrics?.["loss"])).toEqual([0.01, 0.01, 0.1, 0.1]);
  });

  it("has as many runs as the product of its lists, each with a name of its own", async () => {
    const values = fc.uniqueArray(fc.oneof(fc.integer(), fc.boolean(), fc.string()), {
      minLength: 1,
      maxLength: 4,
      selector: String,
    });
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.string(), { maxLength: 3 }), values, values, async ([extra], a, b) => {
        const lists = { a, [`b${extra ?? ""}`]: b };
        const { runs } = await sweep({ grid: lists, run: () => Promise.resolve({ accuracy: 1 }) });
        expect(runs.length).toBe(a.length * b.length);
        expect(new Set(runs.map((run) => run.name)).size).toBe(runs.length);
        for (const run of runs) expect(run.name).toMatch(/^[^/\\\0]{1,255}$/u);
      }),
      { numRuns: 50 },
    );
  });

  it("a run that fails is listed last and does not stop the others; the next call repeats that one alone", async () => {
    const out = join(tempDir(), "sweep");
    const tried: string[] = [];
    let isBroken = true;
    const again = async (): Promise<SweepReport> =>
      await sweep({
        grid,
        out,
        run: async (point, { dir }) => {
          expect(existsSync(dir ?? "")).toBe(true);
          tried.push(name(point.learningRate, point.optimizer));
          if (isBroken && point.learningRate === 0.1 && point.optimizer === "sgd")
            throw new BackendError({ problem: "the loss of step 3 is NaN" });
          return await score(point);
        },
      });
    const first = await again();
    expect(first.runs.at(-1)).toMatchObject({
      name: name(0.1, "sgd"),
      metrics: undefined,
      error: { code: "BACKEND", message: "the loss of step 3 is NaN" },
    });
    expect(first.runs.filter(({ error }) => error === undefined)).toHaveLength(3);
    isBroken = false;
    tried.length = 0;
    const second = await again();
    expect(tried).toEqual([name(0.1, "sgd")]);
    expect(second.runs.map(({ error, wasKept }) => [error, wasKept])).toEqual([
      [undefined, true],
      [undefined, false],
      [undefined, true],
      [undefined, true],
    ]);
    expect(second.runs[0]?.metrics).toEqual(first.runs[0]?.metrics);
  });

  it("ends with the signal's reason, with what was finished kept", async () => {
    const out = tempDir();
    const stop = new AbortController();
    const kept: SweepRun[] = [];
    const error = await rejection(
      sweep({
        grid,
        out,
        signal: stop.signal,
        onRun: (run) => kept.push(run),
        run: async (point) => {
          if (point.learningRate === 0.01) stop.abort();
          stop.signal.throwIfAborted();
          return await score(point);
        },
      }),
    );
    expect(error).toBe(stop.signal.reason);
    const finished = readdirSync(out).filter((run) => existsSync(join(out, run, "result.json")));
    expect(finished.toSorted()).toEqual(kept.map((run) => run.name).toSorted());
    expect(kept).toHaveLength(2);
  });

  it("does not mix its runs with those of other settings", async () => {
    const out = tempDir();
    await sweep({ grid, out, run: score, settings: { epochs: 2, model: "lenet" } });
    await sweep({ grid, out, run: score, settings: { model: "lenet", epochs: 2 } });
    const error = await rejection(sweep({ grid, out, run: score, settings: { epochs: 3, model: "lenet" } }));
    expect(error).toMatchObject({ code: "STATE", detail: { file: join(out, "sweep.json") } });
  });

  it.runIf(existsSync("/proc"))("says where there is no place for folders, and does not wait for one", async () => {
    const error = await rejection(sweep({ grid, run: score, out: "/proc/x/y" }));
    expect(error).toMatchObject({ code: "FILE", detail: { file: "/proc/x/y" } });
  });

  it("a damaged result is named", async () => {
    const out = tempDir();
    await sweep({ grid: { seed: [1] }, out, run: () => Promise.resolve({ accuracy: 1 }) });
    const file = join(out, "seed=1", "result.json");
    writeFileSync(file, readFileSync(file, "utf8").slice(0, 20));
    const error = await rejection(sweep({ grid: { seed: [1] }, out, run: () => Promise.resolve({ accuracy: 1 }) }));
    expect(error).toMatchObject({ code: "STATE", detail: { file } });
  });

  it.each([
    [{}, /grid: is empty/u],
    [{ seed: [] }, /grid\.seed: has no values/u],
    [{ seed: [1, 1] }, /twice.*found 1, 1/u],
    [{ rate: [Number.NaN] }, /no finite number/u],
    [{ a: Array.from({ length: 200 }, (_, at) => at), b: Array.from({ length: 200 }, (_, at) => at) }, /40000/u],
  ])("refuses the impossible grid %#", async (impossible, message) => {
    const error = await rejection(sweep({ grid: impossible, run: () => Promise.resolve({ accuracy: 1 }) }));
    expect(error).toMatchObject({ code: "OPTION", message: expect.stringMatching(message) as string });
  });

  it("a run without the metric, or with one that is no number, failed", async () => {
    const { runs } = await sweep({
      grid: { seed: [1, 2, 3] },
      run: ({ seed }) =>
        Promise.resolve<Record<string, number>>([{ accuracy: 1 }, { loss: 1 }, { accuracy: NaN }][seed - 1]!),
    });
    expect(runs.map(({ error }) => error?.message)).toEqual([
      undefined,
      expect.stringContaining("no finite accuracy"),
      expect.stringContaining("no finite accuracy"),
    ]);
  });
});

it("the table has a column for each option and metric, as text, CSV and JSON", async () => {
  let now = 0;
  const report = await sweep({
    grid: { optimizer: ["adam", "sgd"] },
    clock: { now: () => (now += 1500) },
    run: ({ optimizer }) =>
      optimizer === "sgd"
        ? Promise.reject(new BackendError({ problem: 'out of memory, "again"' }))
        : Promise.resolve({ accuracy: 0.9712345678, loss: 0.5 }),
  });
  expect(sweepTable(report)).toEqual({
    header: ["optimizer", "accuracy", "loss", "seconds", "error"],
    rows: [
      ["adam", "0.97123", "0.5", "1.5", ""],
      ["sgd", "", "", "1.5", 'out of memory, "again"'],
    ],
  });
  expect(sweepToCsv(report)).toBe(
    'optimizer,accuracy,loss,seconds,error\nadam,0.97123,0.5,1.5,\nsgd,,,1.5,"out of memory, ""again"""\n',
  );
  expect(JSON.parse(sweepToJson(report))).toMatchObject({
    metric: "accuracy",
    goal: "max",
    runs: [{ name: "optimizer=adam" }, {}],
  });
});
