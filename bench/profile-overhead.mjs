/**
 * `node bench/profile-overhead.mjs [--rounds 15] [--steps 400]`: what measuring costs. A loop of steps of 1 ms of fixed work,
 * bare, in `profile()`, and in `profile()` with spans for a trace, in turns. Wall is the median from the start of a step to
 * the start of the next, so that other processes do not count; CPU is that of the process from the first step to the last.
 * Both are ratios to the bare loop of the same round. Then the same in processes that have just begun, whose code is not
 * compiled yet: the median time between two steps, less that of the bare loop. Also nanoseconds of CPU a recorded span,
 * and what 10,000 steps add to the heap and to the resident memory. Writes bench/results/profile.json and the table of
 * docs/profile.md.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { markdownTable, writeDocs } from "./loader/docs-table.mjs";
import { profile, SpanLog, StepRecorder, systemClock } from "../packages/train/dist/index.js";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "15" },
    steps: { type: "string", default: "400" },
    /** What a child process measures: `plain` or `spans`. */
    growth: { type: "string" },
    /** The loop whose first steps a child process measures. */
    first: { type: "string" },
  },
});
const rounds = Number(values.rounds);
const steps = Number(values.steps);
const GROWTH_STEPS = 10_000;
const GROWTH_WARMUP = 2000;

setFlagsFromString("--expose-gc");
/** @type {() => void} */
const collect = runInNewContext("gc");

/** @param {readonly number[]} list */
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;

/** Milliseconds of CPU of the process. */
function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

let sink = 0;

/** @param {number} turns */
function work(turns) {
  let state = sink | 1;
  for (let turn = 0; turn < turns; turn++) state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 1;
  sink = state;
}

/** Turns of {@link work} that take 1 ms of CPU. */
function calibrate() {
  let turns = 300_000;
  for (let round = 0; round < 5; round++) {
    const start = cpuMs();
    for (let call = 0; call < 50; call++) work(turns);
    turns = Math.round((turns * 50) / (cpuMs() - start));
  }
  return turns;
}

/** Batches that cost nothing, as an async iterable gives them. */
async function* batches() {
  for (;;) yield { size: 64 };
}

/** When the steps of a loop began, and the CPU of the process from the first to the end of the last. */
class Lap {
  cpuMs = 0;
  /** @param {number} turns of {@link work} in a step @param {number} count of the steps */
  constructor(turns, count) {
    this.turns = turns;
    this.steps = count;
    this.done = 0;
    this.starts = new Float64Array(count);
    this.ends = new Float64Array(count);
    this.cpuFrom = 0;
  }

  step() {
    if (this.done === 0) this.cpuFrom = cpuMs();
    this.starts[this.done] = performance.now();
    work(this.turns);
    this.ends[this.done] = performance.now();
    if (++this.done < this.steps) return;
    this.cpuMs = cpuMs() - this.cpuFrom;
  }

  /** The median time in microseconds from the end of a step to the start of the next. */
  get gapUs() {
    return median(Array.from(this.starts.subarray(1), (start, step) => (start - this.ends[step]) * 1000));
  }

  /** The median wall time of a step. */
  get stepMs() {
    return median(Array.from(this.starts.subarray(1), (start, step) => start - this.starts[step]));
  }
}

/** @param {Lap} lap */
const optionsOf = (lap) => ({
  loader: batches(),
  step: () => lap.step(),
  steps: lap.steps,
  warmupSteps: 0,
  phases: false,
});

/** @type {Record<string, (lap: Lap) => Promise<unknown>>} */
const LOOPS = {
  bare: async (lap) => {
    for await (const batch of batches()) {
      if (batch.size === 0 || lap.done === lap.steps) break;
      lap.step();
    }
  },
  profile: (lap) => profile(optionsOf(lap)),
  "profile with spans": (lap) => profile({ ...optionsOf(lap), spans: new SpanLog() }),
};

/** @param {number} turns of {@link work} in a step @param {number} lapSteps @param {number} laps of each loop */
async function measureLoops(turns, lapSteps, laps) {
  const names = Object.keys(LOOPS);
  const done = names.map(() => /** @type {Lap[]} */ ([]));
  for (let round = -1; round < laps; round++) {
    for (let place = 0; place < names.length; place++) {
      const at = (place + Math.max(0, round)) % names.length;
      const lap = new Lap(turns, lapSteps);
      await LOOPS[names[at]](lap);
      if (round >= 0) done[at].push(lap);
    }
  }
  const overhead = (/** @type {number} */ at, /** @type {"stepMs" | "cpuMs"} */ of) =>
    median(done[at].map((lap, round) => lap[of] / done[0][round][of] - 1));
  return names.map((name, at) => ({
    name,
    stepMs: median(done[at].map((lap) => lap.stepMs)),
    stepCpuMs: median(done[at].map((lap) => lap.cpuMs / lapSteps)),
    wallOverhead: overhead(at, "stepMs"),
    cpuOverhead: overhead(at, "cpuMs"),
  }));
}

/** Nanoseconds of CPU of one span, begin and end; its step has three of them. @param {SpanLog | undefined} log */
function measureSpan(log) {
  const count = 300_000;
  const recorder = new StepRecorder(systemClock, undefined, log);
  const times = Array.from({ length: 9 }, () => {
    recorder.startStep();
    const start = cpuMs();
    for (let step = 0; step < count / 3; step++) {
      recorder.begin("stall");
      recorder.end("stall");
      recorder.begin("compute");
      recorder.begin("copy");
      recorder.end("copy");
      recorder.end("compute");
      recorder.endStep();
    }
    return ((cpuMs() - start) * 1e6) / count;
  });
  return median(times);
}

/** What the process takes when all garbage is collected. */
function weigh() {
  collect();
  const { heapUsed, rss } = process.memoryUsage();
  return { heapUsed, rss };
}

/** Bytes that 10,000 steps of a profile add to the heap and to the resident memory. @param {SpanLog | undefined} spans */
async function measureGrowth(spans) {
  const weights = /** @type {ReturnType<typeof weigh>[]} */ ([]);
  let done = 0;
  const step = () => {
    if (done === GROWTH_WARMUP || done === GROWTH_WARMUP + GROWTH_STEPS) weights.push(weigh());
    done++;
  };
  const total = GROWTH_WARMUP + GROWTH_STEPS + 1;
  await profile({ loader: batches(), step, steps: total, warmupSteps: 0, phases: false, ...(spans && { spans }) });
  const [before, after] = weights;
  return { heapBytes: after.heapUsed - before.heapUsed, rssBytes: after.rss - before.rss };
}

/**
 * The same in a process of its own, whose young generation keeps its size: that would be most of what changes.
 * @param {"plain" | "spans"} kind
 * @returns {Awaited<ReturnType<typeof measureGrowth>>}
 */
function growthOf(kind) {
  const args = ["--max-semi-space-size=2", fileURLToPath(import.meta.url), "--growth", kind];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
}

/** Microseconds between the first 200 steps of a process. @param {string} name of the loop */
function firstOf(name) {
  const args = [fileURLToPath(import.meta.url), "--first", name];
  return median(Array.from({ length: 5 }, () => Number(execFileSync(process.execPath, args, { encoding: "utf8" }))));
}

if (values.first !== undefined) {
  const lap = new Lap(calibrate(), 200);
  await LOOPS[values.first](lap);
  console.log(lap.gapUs);
  process.exit(0);
}
if (values.growth !== undefined) {
  console.log(JSON.stringify(await measureGrowth(values.growth === "spans" ? new SpanLog() : undefined)));
  process.exit(0);
}
const growth = { plain: growthOf("plain"), spans: growthOf("spans") };
const spanNs = { plain: measureSpan(undefined), spans: measureSpan(new SpanLog()) };
const [bareUs, plainUs, spansUs] = Object.keys(LOOPS).map(firstOf);
const firstStepsUs = { plain: plainUs - bareUs, spans: spansUs - bareUs };
const empty = await measureLoops(0, 2000, 15);
const loops = await measureLoops(calibrate(), steps, rounds);
/** Microseconds of CPU that a loop adds to a step that does nothing. @param {number} at */
const addedUs = (at) => (empty[at].stepCpuMs - empty[0].stepCpuMs) * 1000;
const addedStepUs = { plain: addedUs(1), spans: addedUs(2) };
const results = {
  bench: "profile-overhead",
  machine: { cpu: cpus()[0]?.model ?? "", cpus: cpus().length, node: process.version, load: loadavg()[0] },
  rounds,
  steps,
  bars: { overhead: 0.02, spanNs: 1000, rssBytes: 2 ** 23 },
  loops,
  addedStepUs,
  firstStepsUs,
  spanNs,
  growth: { steps: GROWTH_STEPS, ...growth },
};
writeFileSync(new URL("results/profile.json", import.meta.url), `${JSON.stringify(results, null, 2)}\n`);

/** @param {number} fraction */
const percent = (fraction) => `${(fraction * 100).toFixed(2)} %`;
/** @param {number} bytes */
const kib = (bytes) => `${Math.round(bytes / 1024)} KiB`;
const [, plain, withSpans] = loops;
const rows = [
  [
    "wall of a step of 1 ms, against the bare loop",
    percent(plain.wallOverhead),
    percent(withSpans.wallOverhead),
    "<= 2 %",
  ],
  [
    "CPU of a step of 1 ms, against the bare loop",
    percent(plain.cpuOverhead),
    percent(withSpans.cpuOverhead),
    "<= 2 %",
  ],
  [
    "added to the first 200 steps of a process, each",
    `${firstStepsUs.plain.toFixed(1)} us`,
    `${firstStepsUs.spans.toFixed(1)} us`,
    "",
  ],
  [
    "CPU that is added to a step",
    `${addedStepUs.plain.toFixed(1)} us`,
    `${addedStepUs.spans.toFixed(1)} us`,
    "<= 20 us",
  ],
  ["CPU of a recorded span", `${Math.round(spanNs.plain)} ns`, `${Math.round(spanNs.spans)} ns`, "<= 1000 ns"],
  ["heap after 10,000 more steps", kib(growth.plain.heapBytes), kib(growth.spans.heapBytes), "flat"],
  ["resident memory after them", kib(growth.plain.rssBytes), kib(growth.spans.rssBytes), "flat"],
];
const table = markdownTable(["what", "`profile`", "with spans", "bar"], rows);
console.log(table);
writeDocs("profile-overhead", table, new URL("../docs/profile.md", import.meta.url));
