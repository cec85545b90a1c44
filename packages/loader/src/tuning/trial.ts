import { setTimeout as delay } from "node:timers/promises";
import type { Batch } from "../batch.js";
import type { Clock } from "../clock.js";
import type { LoaderStats } from "../stats.js";

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

/** Fewer samples tell too little. */
export const LEAST_SAMPLES = 4;
/** So many, in so much time, tell enough: the mean of their costs is known to some percent. */
const ENOUGH_SAMPLES = 64;
const ENOUGH_MS = 100;
/** So many are enough where there is little time: of the first few, most of the time is that of cold code. */
const SOME_SAMPLES = 16;
/** The consumer, which does nothing, has caught up with the workers after at most so many batches. */
const WARM_UP = 8;

const LATE = Symbol("late");

/**
 * Takes batches and does nothing with them, until they tell enough, however many epochs that are; from `untilMs` on less is enough, and at
 * `latestMs` it is over. What is counted begins with the first batch that had to be waited for, when threads and kernels
 * have started and no batch lies ready.
 * @returns `undefined` if there were fewer than {@link LEAST_SAMPLES}.
 */
export async function runTrial(
  loader: TrialLoader,
  clock: Clock,
  untilMs: number,
  latestMs: number,
): Promise<Trial | undefined> {
  const ended = new AbortController();
  const late = delay(Math.max(0, latestMs - clock.now()), LATE, { signal: ended.signal }).catch(() => LATE);
  let taken = 0;
  let first: Moment | undefined;
  let last: Moment | undefined;
  try {
    for (let before = -1; before < taken && clock.now() < latestMs;) {
      before = taken;
      const batches = loader[Symbol.asyncIterator]();
      while (clock.now() < latestMs) {
        const next = await Promise.race([batches.next(), late]);
        if (typeof next === "symbol") return between(first, last);
        if (next.done === true) break;
        taken++;
        last = momentOf(loader.stats());
        if (taken < WARM_UP && next.value.stall.stallMs <= 0) continue;
        first ??= last;
        if (isEnough(first, last, clock.now() >= untilMs)) return between(first, last);
      }
    }
    return between(first, last);
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

function isEnough(first: Moment, last: Moment, isLate: boolean): boolean {
  const samples = last.stats.samples - first.stats.samples;
  if (isLate) return samples >= SOME_SAMPLES;
  return samples >= ENOUGH_SAMPLES && last.stats.wallMs - first.stats.wallMs >= ENOUGH_MS;
}

function between(first: Moment | undefined, last: Moment | undefined): Trial | undefined {
  if (first === undefined || last === undefined) return undefined;
  const samples = last.stats.samples - first.stats.samples;
  if (samples < LEAST_SAMPLES) return undefined;
  return {
    numWorkers: last.stats.numWorkers,
    samples,
    wallMs: last.stats.wallMs - first.stats.wallMs,
    fetchMs: (last.stats.stages.fetchMs - first.stats.stages.fetchMs) / samples,
    prepMs: (last.stats.stages.prepMs - first.stats.stages.prepMs) / samples,
    cpuMs: (last.cpuMs - first.cpuMs) / samples,
  };
}
