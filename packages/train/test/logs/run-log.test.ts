import { tempDir } from "@millrace/testkit";
import {
  createRunLog,
  RUN_LOGS,
  type RunLogName,
  type StepsProgress,
  type TrainObserver,
  type TrainProgress,
} from "@millrace/train";
import { appendFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { rejection } from "../rejection.js";
import { readScalars, type LoggedScalar } from "./read-scalars.js";

const FIRST_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

function start(step: number): TrainProgress {
  return { kind: "start", step, totalSteps: 100 };
}

function steps(step: number, loss = 1 / step): StepsProgress {
  return {
    kind: "steps",
    epoch: 0,
    step,
    totalSteps: 100,
    loss,
    accuracy: step === 1 ? undefined : 0.5,
    learningRate: 0.001,
    samplesPerSec: 640,
    stallFraction: 0.25,
    fetchStallFraction: 0.125,
    prepStallFraction: 0.125,
    copyFraction: 0.25,
    computeFraction: 0.375,
    otherFraction: 0.125,
  };
}

const validation: TrainProgress = {
  kind: "validation",
  epoch: 0,
  step: 3,
  samples: 9,
  loss: 0.5,
  accuracy: 1,
  wallMs: 7,
};

/** The log, which says that each record was made a second after the one before. */
function logIn(dir: string, name: RunLogName): TrainObserver {
  let seconds = 0;
  return createRunLog(name, { dir, clock: { now: () => FIRST_MS + 1000 * seconds++ } });
}

async function log(dir: string, name: RunLogName, events: readonly TrainProgress[]): Promise<void> {
  const made = logIn(dir, name);
  for (const event of events) made.observe(event);
  await made.close?.();
}

/** The losses of steps in the whole records of a log, `step: loss`. */
function losses(dir: string, name: RunLogName): Record<number, number> {
  const file = (end: string) =>
    readFileSync(join(dir, `log.${end}`), "utf8")
      .split("\n")
      .slice(0, -1);
  const rows: readonly (readonly [kind: unknown, step: unknown, loss: unknown])[] =
    name === "csv"
      ? file("csv").map((line) => {
          const [kind, step, , , loss] = line.split(",");
          return [kind, step, loss];
        })
      : name === "ndjson"
        ? file("ndjson").map((line) => {
            const { kind, step, loss } = JSON.parse(line) as Record<string, unknown>;
            return [kind, step, loss];
          })
        : readScalars(dir).flatMap(({ tag, step, value }: LoggedScalar) =>
            tag === "train/loss" ? [["steps", step, value] as const] : [],
          );
  return Object.fromEntries(
    rows.filter(([kind]) => kind === "steps").map(([, step, loss]) => [Number(step), Math.fround(Number(loss))]),
  );
}

const third = Math.fround(1 / 3);

describe.each(RUN_LOGS)("the log %s", (name) => {
  it("holds what a run told, step by step, as soon as it is told", async () => {
    const dir = join(tempDir(), "new", "run");
    const made = logIn(dir, name);
    for (const event of [start(0), steps(1), steps(2)]) made.observe(event);
    expect(losses(dir, name)).toEqual({ 1: 1, 2: 0.5 });
    made.observe(steps(3));
    made.observe(validation);
    await made.close?.();
    expect(losses(dir, name)).toEqual({ 1: 1, 2: 0.5, 3: third });
  });

  it("goes on where a resumed run goes on, without the steps behind its checkpoint", async () => {
    const dir = tempDir();
    await log(dir, name, [start(0), steps(1), steps(2), steps(3), validation]);
    await log(dir, name, [start(2), steps(3, 9), steps(4)]);
    expect(losses(dir, name)).toEqual({ 1: 1, 2: 0.5, 3: 9, 4: 0.25 });
    await log(dir, name, [start(4), steps(5, 5)]);
    expect(losses(dir, name)).toEqual({ 1: 1, 2: 0.5, 3: 9, 4: 0.25, 5: 5 });
  });

  it("of a fresh run holds nothing of an earlier one", async () => {
    const dir = tempDir();
    await log(dir, name, [start(0), steps(1), steps(2)]);
    await log(dir, name, [start(0), steps(1, 7)]);
    expect(losses(dir, name)).toEqual({ 1: 7 });
  });

  it("is readable up to its last whole record after a kill in the middle of one, and goes on", async () => {
    const dir = tempDir();
    await log(dir, name, [start(0), steps(1), steps(2), steps(3)]);
    const [file = ""] = readdirSync(dir);
    const path = join(dir, file);
    truncateSync(path, readFileSync(path).length - 3);
    expect(losses(dir, name)).toMatchObject({ 1: 1, 2: 0.5 });
    await log(dir, name, [start(2), steps(3, 8)]);
    expect(losses(dir, name)).toEqual({ 1: 1, 2: 0.5, 3: 8 });
  });

  it("can be closed before anything was told", async () => {
    const dir = tempDir();
    await logIn(dir, name).close?.();
    expect(readdirSync(dir)).toEqual([]);
  });

  it("says what is wrong if its folder cannot be made", () => {
    const file = join(tempDir(), "file");
    writeFileSync(file, "x");
    expect(() => logIn(join(file, "run"), name).observe(start(0))).toThrow(
      expect.objectContaining({ code: "FILE", message: expect.stringContaining(file) as string }),
    );
  });
});

describe("logs of lines", () => {
  it("csv has a column for each number, empty where there is none", async () => {
    const dir = tempDir();
    await log(dir, "csv", [start(0), steps(1), validation]);
    expect(readFileSync(join(dir, "log.csv"), "utf8")).toMatchInlineSnapshot(`
      "kind,step,time,epoch,loss,accuracy,learningRate,samplesPerSec,stallFraction,fetchStallFraction,prepStallFraction,copyFraction,computeFraction,otherFraction
      steps,1,2026-01-02T03:04:06.000Z,0,1,,0.001,640,0.25,0.125,0.125,0.25,0.375,0.125
      validation,3,2026-01-02T03:04:07.000Z,0,0.5,1,,,,,,,,
      "
    `);
  });

  it("ndjson holds everything as it was told, with its time", async () => {
    const dir = tempDir();
    const checkpoint: TrainProgress = { kind: "checkpoint", step: 3, path: "run/checkpoint-3" };
    await log(dir, "ndjson", [start(0), validation, checkpoint]);
    const lines = readFileSync(join(dir, "log.ndjson"), "utf8").trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { ...start(0), time: "2026-01-02T03:04:05.000Z" },
      { ...validation, time: "2026-01-02T03:04:06.000Z" },
      { ...checkpoint, time: "2026-01-02T03:04:07.000Z" },
    ]);
  });

  it.each(["csv", "ndjson"] as const)("%s does not touch a file that is something else", async (name) => {
    const dir = tempDir();
    const path = join(dir, `log.${name}`);
    for (const content of ["name,price\nx,1\n", '{"a":1}\n', "kind,step,time\nsteps,1\n"]) {
      writeFileSync(path, content);
      expect(await rejection(log(dir, name, [start(0)]))).toMatchObject({ code: "STATE", detail: { file: path } });
      expect(readFileSync(path, "utf8")).toBe(content);
    }
  });

  it.each(["csv", "ndjson"] as const)("%s of which a line is damaged is not cut", async (name) => {
    const dir = tempDir();
    await log(dir, name, [start(0), steps(1)]);
    appendFileSync(join(dir, `log.${name}`), "?\n");
    expect(await rejection(log(dir, name, [start(1)]))).toMatchObject({ code: "STATE", detail: { found: "?" } });
  });
});

it("an unknown log is refused with the names of those there are", () => {
  expect(() => createRunLog("wandb" as RunLogName, { dir: "x" })).toThrow(
    expect.objectContaining({
      code: "OPTION",
      message: expect.stringContaining("tensorboard | csv | ndjson") as string,
    }),
  );
});
