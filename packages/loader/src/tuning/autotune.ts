import { OptionError, isMillraceError } from "@millrace/formats";
import { cpuBudget } from "@millrace/image";
import type { Clock } from "../clock.js";
import type { Loader } from "../loader.js";
import type { LoaderState } from "../state.js";
import { COMFORTABLE_BYTES } from "../ring-plan.js";
import { freeMemory } from "../storage/read-ahead-plan.js";
import type { AutotuneBudget } from "./autotune-budget.js";
import { chooseSetting, leastBytes, type SettingBudget } from "./choose-setting.js";
import { blockedMs, fitTrials, togetherMs, type KnownParts } from "./fit-trials.js";
import type { PipelineModel } from "./pipeline-model.js";
import { LEAST_SAMPLES, runTrial, type Trial, type TrialLimits } from "./trial.js";
import { tunedText, type TunedParts } from "./tuned-text.js";

/** How a loader is opened to be tried. */
export interface TrialSetting {
  readonly batchSize: number;
  readonly numWorkers: number;
  readonly prefetchDepth: number;
  /** Where an earlier trial ended, so that no sample is read twice; `undefined`: as the caller says. */
  readonly state: LoaderState | undefined;
}

/** What {@link autotune} needs to know. */
export interface AutotuneOptions {
  readonly budget: AutotuneBudget;
  readonly batchSize: number;
  /** Bytes of a batch in memory, and of a sample in storage. */
  readonly batchBytes: number;
  readonly bytesPerSample: number;
  /** Said by the caller. */
  readonly numWorkers: number | undefined;
  readonly prefetchDepth: number | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  readonly open: (setting: TrialSetting) => Loader;
}

/** What was chosen. */
export interface Tuned {
  readonly numWorkers: number;
  /** `undefined` where there are no workers. */
  readonly prefetchDepth: number | undefined;
  /** What was measured, and why this was chosen, in words. */
  readonly text: string;
}

/** Small batches, so that a slow sample is counted soon. */
const TRIAL_BATCH = 4;
/** Enough to tell storage that all workers share from storage that each waits for by itself. */
const TRIAL_WORKERS = 4;
/** Where one worker is blocked for less than this share of its CPU time, a second trial would tell nothing. */
const WORTH_A_TRIAL = 0.1;
/** Seconds that are enough for both trials of photographs. */
const SECONDS = 2;
/** Share of the time after which less is enough for the first trial. */
const FIRST_END = 0.6;
/** The same where its worker is blocked for longer than it works: then the second trial tells more. */
const FIRST_END_BLOCKED = 0.4;
/** Share of the time after which all is over. */
const LAST_END = 0.9;
/** Share of the time below which a second trial would not get beyond its start. */
const LEAST_TRIAL = 0.15;

/**
 * Chooses the number of workers and the depth by a model of the loader, which is fitted to short trials. What the caller
 * has said stays. The first trial, of one worker, goes on until its samples take a steady CPU time, as in the long run;
 * the second, where that worker is blocked, until several of them are blocked for a steady time. If the trials fail, as
 * where a sample is bad, the CPUs decide; the loader will meet the error in its turn.
 * @throws {@link OptionError} if the memory of the budget is too little for any setting; the signal's reason.
 */
export async function autotune(options: AutotuneOptions): Promise<Tuned> {
  const { budget, clock, numWorkers, prefetchDepth, batchSize, batchBytes, bytesPerSample } = options;
  if (numWorkers === 0) return { numWorkers, prefetchDepth: undefined, text: "nothing to choose, as numWorkers is 0" };
  const start = clock.now();
  const ms = 1000 * (budget.seconds ?? SECONDS);
  const latestMs = start + LAST_END * ms;
  const cpus = Math.min(cpuBudget(), budget.maxCpus ?? Infinity);
  const known = {
    batchSize,
    numWorkers: 1,
    prefetchDepth: 1,
    cores: Math.max(1, cpus - 1),
    bytesPerSample,
    batchBytes,
  };
  const room = roomFor(options, known);
  const said = { numWorkers: numWorkers !== undefined, prefetchDepth: prefetchDepth !== undefined };
  const tuned = (parts: Omit<TunedParts, "cpus" | "room" | "said">): Tuned => {
    const { setting } = parts;
    const text = tunedText({ ...parts, cpus, room, said });
    return { numWorkers: setting.numWorkers, prefetchDepth: setting.prefetchDepth, text };
  };

  const ofCpu: TrialLimits = {
    costMs: ({ cpuMs }) => cpuMs,
    untilMs: (soFar) => start + firstEnd(soFar) * ms,
    latestMs,
  };
  const first = said.numWorkers ? NOT_TRIED : await tryOut(options, 1, undefined, ofCpu);
  const { trial: alone, problem } = first;
  if (alone === undefined) {
    const model = cpuModel(known);
    return tuned({ setting: chooseSetting(model, room), model, alone, together: undefined, problem });
  }
  let model = fitTrials(known, alone, undefined);
  let setting = chooseSetting(model, room);
  const workers = Math.min(TRIAL_WORKERS, setting.numWorkers);
  const isOver = latestMs - clock.now() < LEAST_TRIAL * ms;
  if (isOver || workers === 1 || model.fetchLatencyMs < WORTH_A_TRIAL * model.prepCpuMs)
    return tuned({ setting, model, alone, together: undefined, problem });
  const ofStorage: TrialLimits = { costMs: (block) => togetherMs(alone, block), untilMs: () => latestMs, latestMs };
  const { trial: together } = await tryOut(options, workers, first.state, ofStorage);
  model = fitTrials(known, alone, together);
  setting = chooseSetting(model, room);
  return tuned({ setting, model, alone, together, problem });
}

/** Share of the time after which less is enough for the first trial. */
function firstEnd(soFar: Trial): number {
  return blockedMs(soFar) > soFar.cpuMs ? FIRST_END_BLOCKED : FIRST_END;
}

/** Where nothing was measured: as if samples cost CPU time only. */
function cpuModel(known: KnownParts): PipelineModel {
  const free = { fetchLatencyMs: 0, storageBytesPerSec: undefined, cacheFraction: 0, computeMs: 0, computeCpuMs: 0 };
  return { ...known, ...free, prepCpuMs: 1, scaling: [] };
}

/** What came of a trial. */
interface Tried {
  readonly trial: Trial | undefined;
  /** Why there is none. */
  readonly problem: string;
  /** Where it ended. */
  readonly state: LoaderState | undefined;
}

const NOT_TRIED: Tried = { trial: undefined, problem: "", state: undefined };

/** Opens a loader, runs a trial of it, closes it. */
async function tryOut(
  { open, clock, signal, batchSize }: AutotuneOptions,
  numWorkers: number,
  from: LoaderState | undefined,
  limits: TrialLimits,
): Promise<Tried> {
  const size = Math.min(batchSize, TRIAL_BATCH);
  // So many batches that no worker waits for room.
  const prefetchDepth = Math.ceil((2 * numWorkers) / size) + 1;
  await using loader = open({ batchSize: size, numWorkers, prefetchDepth, state: from });
  let tried: Tried;
  try {
    const trial = await runTrial(loader, clock, limits);
    tried = { trial, problem: `fewer than ${LEAST_SAMPLES} samples came in time`, state: loader.state() };
  } catch (error) {
    if (!isMillraceError(error) || signal?.aborted === true) throw error;
    tried = { trial: undefined, problem: error.message, state: undefined };
  }
  signal?.throwIfAborted();
  return tried;
}

/** What the setting may take. */
function roomFor({ budget, numWorkers, prefetchDepth }: AutotuneOptions, known: KnownParts): SettingBudget {
  const least = leastBytes(known, { numWorkers, prefetchDepth });
  const { maxMemoryBytes } = budget;
  if (maxMemoryBytes !== undefined && maxMemoryBytes < least) {
    throw new OptionError({
      option: "autotune.maxMemoryBytes",
      problem: "is too little for the least that a loader takes",
      expected: `at least ${least}`,
      found: String(maxMemoryBytes),
      fix: "allow more, or make the batches smaller",
    });
  }
  return {
    maxMemoryBytes: maxMemoryBytes ?? Math.max(least, freeMemory() / 2),
    maxRingBytes: maxMemoryBytes ?? COMFORTABLE_BYTES,
    numWorkers,
    prefetchDepth,
  };
}
