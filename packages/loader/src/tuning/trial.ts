import { setTimeout as delay } from "node:timers/promises";
import type { Batch } from "../batch.js";
import type { Clock } from "../clock.js";
import type { LoaderStats } from "../stats.js";
import { isSteady } from "./is-steady.js";

/** What workers did for a sample, on average, while nothing but them was at work. */
export interface Trial {
  readonly numWorkers: number;
  /** How many samples were counted, and in which time. */
  readonly samples: number;
  readonly wallMs: number;
  /** Time of a worker for a sample in each stage. */
  readonly fetchMs: number;
  readonly prepMs: number;
  /** CPU time for a sample. */
  readonly cpuMs: number;
}

/** What is tried: a loader, or the part of one that {@link runTrial} needs. */
export interface TrialLoader extends AsyncIterable<Pick<Batch, "stall">> {
  stats(): LoaderStats;
}

/** When a trial has told enough. */
export interface TrialLimits {
  /** What a sample cost, by what the workers did in a block of them: it has to be steady, see {@link isSteady}. */
  readonly costMs: (block: Trial) => number;
  /** From when on less is enough, by what samples have cost so far. */
  readonly untilMs: (soFar: Trial) => number;
  /** Then it is over. */
  readonly latestMs: number;
}

/** Fewer samples tell too little. */
export const LEAST_SAMPLES = 4;
/** So many, in so much time, are a block: the mean of their costs is known to some percent. */
const BLOCK_SAMPLES = 64;
const BLOCK_MS = 100;
/** Where time is over, so many of a block that has begun count as one. */
const PART_SAMPLES = 32;
/** So many are enough where there is little time. */
const SOME_SAMPLES = 16;
/** After so many blocks it is over, steady or not. */
const MOST_BLOCKS = 6;
/** The first samples of a worker open files and load code: until so many for each, nothing counts. */
const FIRST_SAMPLES = 4;
/** The consumer, which does nothing, has caught up with the workers after at most so many batches. */
const CAUGHT_UP = 8;

const LATE = Symbol("late");

/**
 * Takes batches and does nothing with them, however many epochs that are, until two blocks in a row, of at least 64 samples
 * and 100 ms each, cost the same: these two count. Where the time, or six blocks, did not suffice for that, the one of the
 * last two counts that cost less, as what costs more is what is not compiled yet, or is loaded once. The blocks begin with
 * the first batch that had to be waited for, when threads and kernels have started and no batch lies ready, but not before
 * there were four samples for each worker. So samples of
 * 2 ms take 0.3 s to 0.8 s from the first batch on.
 * @returns `undefined` if there were fewer than {@link LEAST_SAMPLES}.
 */
export async function runTrial(loader: TrialLoader, clock: Clock, limits: TrialLimits): Promise<Trial | undefined> {
  const { latestMs } = limits;
  const ended = new AbortController();
  const late = delay(Math.max(0, latestMs - clock.now()), LATE, { signal: ended.signal }).catch(() => LATE);
  let taken = 0;
  const blocks = new Blocks(limits);
  try {
    for (let before = -1; before < taken && clock.now() < latestMs;) {
      before = taken;
      const batches = loader[Symbol.asyncIterator]();
      while (clock.now() < latestMs) {
        const next = await Promise.race([batches.next(), late]);
        if (typeof next === "symbol") return blocks.trial();
        if (next.done === true) break;
        taken++;
        const stats = loader.stats();
        const isBegun = stats.samples >= FIRST_SAMPLES * stats.numWorkers;
        if (blocks.isEmpty && (!isBegun || (taken < CAUGHT_UP && next.value.stall.stallMs <= 0))) continue;
        blocks.add(momentOf(stats));
        if (blocks.isEnough(clock.now())) return blocks.trial();
      }
    }
    return blocks.trial();
  } finally {
    ended.abort();
  }
}

/** Totals at one time. */
interface Moment {
  readonly stats: LoaderStats;
  readonly cpuMs: number;
}

/**
 * CPU time so far: that of the workers' threads. It is that of the process where the system does not tell, and where
 * sharp decodes, as it has threads of its own.
 */
function momentOf(stats: LoaderStats): Moment {
  if (stats.workerCpuMs !== undefined && stats.decoder !== "sharp") return { stats, cpuMs: stats.workerCpuMs };
  const { user, system } = process.cpuUsage();
  return { stats, cpuMs: (user + system) / 1000 };
}

/** Samples in blocks, from the moments at which these begin and end. */
class Blocks {
  /** The first is where the first block begins, each other where one ends. */
  readonly #marks: Moment[] = [];
  #last: Moment | undefined;

  constructor(readonly limits: Pick<TrialLimits, "costMs" | "untilMs">) {}

  get isEmpty(): boolean {
    return this.#last === undefined;
  }

  add(moment: Moment): void {
    const mark = this.#marks.at(-1);
    this.#last = moment;
    const isOver =
      samplesTo(moment, mark) >= BLOCK_SAMPLES && moment.stats.wallMs - (mark?.stats.wallMs ?? 0) >= BLOCK_MS;
    if (mark === undefined || isOver) this.#marks.push(moment);
  }

  isEnough(nowMs: number): boolean {
    const [first, ...ends] = this.#marks;
    const last = this.#last;
    if (first === undefined || last === undefined) return false;
    if (samplesTo(last, first) < SOME_SAMPLES) return false;
    if (nowMs >= this.limits.untilMs(between(first, last))) return true;
    return last === ends.at(-1) && (ends.length >= MOST_BLOCKS || isSteady(this.#costs(this.#marks)));
  }

  /** What counts of all. */
  trial(): Trial | undefined {
    const [first] = this.#marks;
    const last = this.#last;
    if (first === undefined || last === undefined || samplesTo(last, first) < LEAST_SAMPLES) return undefined;
    const isPart = samplesTo(last, this.#marks.at(-1)) >= PART_SAMPLES;
    const marks = isPart ? [...this.#marks, last] : this.#marks;
    const [begin, middle, end] = marks.slice(-3);
    if (begin === undefined || middle === undefined || end === undefined) return between(first, last);
    if (isSteady(this.#costs(marks))) return between(begin, end);
    const [before, after] = [between(begin, middle), between(middle, end)];
    return this.limits.costMs(before) < this.limits.costMs(after) ? before : after;
  }

  #costs(marks: readonly Moment[]): number[] {
    return marks.slice(1).map((end, at) => this.limits.costMs(between(marks[at] as Moment, end)));
  }
}

function samplesTo(moment: Moment, from: Moment | undefined): number {
  return moment.stats.samples - (from?.stats.samples ?? 0);
}

function between(first: Moment, last: Moment): Trial {
  const samples = samplesTo(last, first);
  return {
    numWorkers: last.stats.numWorkers,
    samples,
    wallMs: last.stats.wallMs - first.stats.wallMs,
    fetchMs: (last.stats.stages.fetchMs - first.stats.stages.fetchMs) / samples,
    prepMs: (last.stats.stages.prepMs - first.stats.stages.prepMs) / samples,
    cpuMs: (last.cpuMs - first.cpuMs) / samples,
  };
}
