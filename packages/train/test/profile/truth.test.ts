import { changeModel, predict, type PipelineModel } from "@millrace/loader";
import { judge, StepRecorder, summarizeSteps, type StepTimes } from "@millrace/train";
import { describe, expect, it } from "vitest";
import { arithmetic, CELLS, type Cell } from "../../../../bench/truth/cells.mjs";
import { PREDICTIONS } from "../../../../bench/truth/predictions.mjs";
import { simulate } from "../../../../bench/truth/simulate.mjs";
import { Activity, STAGE_OF } from "../../../loader/dist/ring/activity.js";
import { planLayout } from "../../../loader/dist/ring/layout.js";
import { NO_STALL, StallMeter } from "../../../loader/dist/stall.js";
import { HandClock } from "../hand-clock.js";

const WARMUP_STEPS = 6;
const STEPS = 40;
const BATCHES = WARMUP_STEPS + STEPS;
/** Most that an attribution may be off, as a share of wall. */
const MOST_ERROR = 0.04;

/** What workers did in a simulated run while its steps were measured, in ms of all workers together. */
type WorkDone = Record<"idle" | "fetch" | "prep", number>;

interface SimulatedRun {
  /** What the recorder and the loader's meter of stalls say. */
  readonly steps: readonly StepTimes[];
  readonly done: WorkDone;
}

/** Adds up what the workers do, apart from what they publish. */
function workCounter(numWorkers: number) {
  const done: WorkDone = { idle: 0, fetch: 0, prep: 0 };
  const now = Array.from({ length: numWorkers }, () => ({ stage: "idle" as keyof WorkDone, since: 0 }));
  const enter = (worker: number, stage: keyof WorkDone, ms: number): void => {
    const at = now[worker] as (typeof now)[number];
    done[at.stage] += ms - at.since;
    now[worker] = { stage, since: ms };
  };
  const until = (ms: number): WorkDone => {
    for (const [worker, { stage }] of now.entries()) enter(worker, stage, ms);
    return { ...done };
  };
  return { enter, until };
}

/** Runs a cell with the recorder and the meter that a profile has, on a clock that only the simulation moves. */
function run(cell: Cell, inRuns: boolean): SimulatedRun {
  const clock = new HandClock(0);
  const at = (ms: number): void => clock.pass(ms - clock.now());
  const layout = planLayout({ numWorkers: cell.numWorkers, numSlots: 1, batchSize: 1, cellBytes: [1] });
  const memory = { buffer: new SharedArrayBuffer(layout.byteLength), grow: () => 0 };
  const activities = Array.from({ length: cell.numWorkers }, (_, worker) => new Activity(memory, layout, worker));
  const meter = new StallMeter(activities);
  const recorder = new StepRecorder(clock);
  const counter = workCounter(cell.numWorkers);
  let before = counter.until(0);
  recorder.startStep();
  simulate(cell, BATCHES, inRuns, {
    stage: (worker, stage, ms, sample) => {
      activities[worker]?.enter(STAGE_OF[stage], ms, sample);
      counter.enter(worker, stage, ms);
    },
    asks: (batch, isThere, ms) => {
      at(ms);
      recorder.begin("stall");
      if (!isThere) meter.begin(batch, ms);
      if (batch === WARMUP_STEPS) before = counter.until(ms);
    },
    gets: (_, hasWaited, ms) => {
      const waitedMs = ms - clock.now();
      at(ms);
      recorder.end("stall");
      recorder.attributeStall(hasWaited ? meter.end(ms, waitedMs) : NO_STALL);
      recorder.begin("compute");
    },
    computed: (_, ms) => {
      at(ms);
      recorder.end("compute");
      recorder.endStep();
    },
  });
  const after = counter.until(clock.now());
  const done = { idle: after.idle - before.idle, fetch: after.fetch - before.fetch, prep: after.prep - before.prep };
  return { steps: recorder.log.steps().slice(WARMUP_STEPS), done };
}

/** The mean of a step's parts, in ms. */
function meanOf(
  steps: readonly StepTimes[],
): Record<"wallMs" | "computeMs" | "fetchMs" | "prepMs" | "otherMs", number> {
  const { wall, compute, fetchStall, prepStall, copy, other } = summarizeSteps(steps);
  return {
    wallMs: wall.sumMs / STEPS,
    computeMs: compute.sumMs / STEPS,
    fetchMs: (fetchStall?.sumMs ?? Number.NaN) / STEPS,
    prepMs: (prepStall?.sumMs ?? Number.NaN) / STEPS,
    otherMs: (copy.sumMs + other.sumMs) / STEPS,
  };
}

/** The largest difference of a part, as a share of wall. */
function errorOf(found: ReturnType<typeof meanOf>, truth: Partial<typeof found>): number {
  const parts = Object.entries(truth) as [keyof typeof found, number][];
  return Math.max(...parts.map(([part, ms]) => Math.abs(found[part] - ms) / found.wallMs));
}

/** Each cell as workers make samples one by one, and as they make stored values, in runs. */
const RUNS = CELLS.flatMap((cell) => [
  { name: cell.name, cell, inRuns: false },
  { name: `${cell.name}, in runs`, cell, inRuns: true },
]);

describe("the truth grid on an injected clock", () => {
  it("has 24 cells and more, with single and mixed causes", () => {
    expect(new Set(CELLS.map(({ name }) => name)).size).toBe(CELLS.length);
    expect(CELLS.length).toBeGreaterThanOrEqual(24);
    const causes = new Set(CELLS.map((cell) => arithmetic(cell).cause));
    expect(causes).toEqual(new Set(["fetch", "prep", "both", undefined]));
  });

  it.each(RUNS)("$name: the budget is within 4 % of wall of what was injected", ({ cell, inRuns }) => {
    const { steps, done } = run(cell, inRuns);
    const found = meanOf(steps);
    const stallMs = found.wallMs - cell.computeMs;
    const fetchShare = done.fetch + done.prep > 0 ? done.fetch / (done.fetch + done.prep) : 0;
    const injected = { fetchMs: stallMs * fetchShare, prepMs: stallMs * (1 - fetchShare), otherMs: 0 };
    expect(errorOf(found, { ...injected, computeMs: cell.computeMs })).toBeLessThan(MOST_ERROR);
    const { wallMs, fetchMs, prepMs, computeMs } = arithmetic(cell);
    expect(errorOf(found, { wallMs, fetchMs, prepMs, computeMs })).toBeLessThan(MOST_ERROR);
  });

  it.each(RUNS.filter(({ cell }) => !arithmetic(cell).isTie))("$name: the verdict is right", ({ cell, inRuns }) => {
    const { kind, cause } = arithmetic(cell);
    expect(judge(run(cell, inRuns).steps)).toMatchObject({ kind, cause });
  });
});

/** The model of a cell whose every cost is known. */
function modelOf({
  batchSize,
  numWorkers,
  latencyMs,
  storageMs,
  prepMs,
  cachedFraction,
  computeMs,
}: Cell): PipelineModel {
  return {
    batchSize,
    numWorkers,
    prefetchDepth: 2,
    cores: 2,
    prepCpuMs: prepMs,
    fetchLatencyMs: latencyMs,
    storageBytesPerSec: storageMs > 0 ? 1000 / storageMs : undefined,
    bytesPerSample: 1,
    cacheFraction: cachedFraction,
    computeMs,
    computeCpuMs: 0,
    scaling: [],
    batchBytes: batchSize,
  };
}

describe("predictions on an injected clock", () => {
  const all = PREDICTIONS.flatMap((prediction) => [
    { ...prediction, inRuns: false },
    { ...prediction, name: `${prediction.name}, in runs`, inRuns: true },
  ]);

  it.each(all)("$name: the prediction keeps its bar", ({ from, to, change, bar, inRuns }) => {
    const predictedPerSec = predict(changeModel(modelOf(from), change)).samplesPerSec;
    const { wallMs } = meanOf(run(to, inRuns).steps);
    const measuredPerSec = (to.batchSize * 1000) / wallMs;
    expect(Math.abs(predictedPerSec / measuredPerSec - 1)).toBeLessThan(bar);
  });
});
