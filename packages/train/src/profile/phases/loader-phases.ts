import type { LoaderVariant } from "@millrace/loader";
import type { PhaseReport } from "../../report/report.js";
import { drainVariant, type Drained, type WorkerMs } from "./drain.js";
import type { Blocks } from "./measure-blocks.js";
import type { MeasurableLoader } from "./measurable-loader.js";
import { NOT_MEASURED, whyNot, type PhaseContext } from "./phase-context.js";
import { cachedShare, fitStorage, type FetchPoint, type StorageCurve } from "./storage-curve.js";

/** The pipeline on data in memory. */
export interface MemoryPhase {
  readonly report: PhaseReport;
  readonly drained: Drained | undefined;
  /** Batches, from the first one on, that the page cache has since. */
  readonly inMemory: number;
}

/** Reading alone, past the page cache. */
export interface ColdPhase {
  readonly report: PhaseReport;
  readonly curve: StorageCurve | undefined;
  /** Bytes that are read for a sample. */
  readonly bytesPerSample: number;
  /** The share of the run's samples that came from memory, 0..1. */
  readonly cachedFraction: number;
  /** How fast reading alone is on data as they lay in the run. */
  readonly runPerSec: number | undefined;
  /** Where the data were, in words. */
  readonly residency: string;
  /** Set where data that may lie in memory were read though cold ones were asked for. */
  readonly warmReason: string | undefined;
}

/** Storage so many times as fast as the rest is no limit worth a second look. */
const FAR_FASTER = 3;
/** Reading what the page cache holds counts as slow from so many times its cost without limits of storage, */
const SLOW_FACTOR = 3;
/** and this share of its cost cold. */
const SLOW_SHARE = 0.1;
/** Twice as many workers that read at least so many times as much have met no limit of storage, */
const FREE_GAIN = 1.9;
/** and those that read less than so many times as much have: between them, yet more workers tell. */
const LIMITED_GAIN = 1.2;
/** A system that counts a smaller share of cold reads does not count the reads of this file system. */
const LEAST_COUNTED = 0.5;
/** Where storage gives so many times what is asked for, its count says little of how much was in memory. */
const MOST_COUNTED = 1.1;

function phaseReport(name: PhaseReport["name"], blocks: Blocks, note: string): PhaseReport {
  const { samplesPerSec, spread, batches, wallMs, problem } = blocks;
  return { name, samplesPerSec, spread, batches, wallMs, note: problem === "" ? note : `${NOT_MEASURED}${problem}` };
}

/** The report of a phase that could not be measured. */
export function missingPhase(name: PhaseReport["name"], why: string): PhaseReport {
  return {
    name,
    samplesPerSec: undefined,
    spread: undefined,
    batches: 0,
    wallMs: 0,
    note: `${NOT_MEASURED}${why}`,
  };
}

/** P: how fast the loader is when its data lie in memory: on batches that were read once before. */
export async function measureMemory(loader: MeasurableLoader, context: PhaseContext): Promise<MemoryPhase> {
  const { batches, ms } = context;
  try {
    // Twice as many as are measured: some go into the warm-up.
    const reading = { storage: "memory", stages: "fetch" } as const;
    const { taken } = await drainVariant(loader, reading, { batches: 2 * batches, ms }, context);
    const drained = await drainMemory(loader, {}, taken, context);
    const note = `the loader alone, without a step, on ${drained.taken} batches that were read once before`;
    const report = phaseReport("memory", drained.blocks, note);
    return { report, drained: drained.blocks.problem === "" ? drained : undefined, inMemory: taken };
  } catch (error) {
    return { report: missingPhase("memory", whyNot(error, context.signal)), drained: undefined, inMemory: 0 };
  }
}

/**
 * Drains a loader of batches that the page cache has.
 * @param inMemory - How many that are.
 */
export async function drainMemory(
  loader: MeasurableLoader,
  change: LoaderVariant,
  inMemory: number,
  context: PhaseContext,
): Promise<Drained> {
  const { batches, ms } = context;
  return await drainVariant(loader, { ...change, storage: "memory" }, { batches, ms, totalBatches: inMemory }, context);
}

/**
 * F: how fast the workers read, when they do nothing else, past the page cache; once more as the loader reads; and with
 * other numbers of workers where reading is not far faster than the rest.
 * @param run - What a worker did for a sample of the run.
 * @param memory - The same of P.
 * @param restPerSec - The lowest of the other rates.
 */
export async function measureCold(
  loader: MeasurableLoader,
  run: WorkerMs | undefined,
  memory: WorkerMs | undefined,
  restPerSec: number,
  context: PhaseContext,
): Promise<ColdPhase> {
  try {
    const { batches, ms } = context;
    const cold = await drainVariant(loader, { storage: "cold", stages: "fetch" }, { batches, ms }, context);
    const { samplesPerSec } = cold.blocks;
    if (samplesPerSec === undefined) return noCold(cold.blocks.problem, cold);
    const same = await fetchPoint(loader, { storage: "same" }, cold, context);
    const costs = { run: run?.fetchMs, cold: cold.worker.fetchMs, same: same.worker.fetchMs };
    const isLimited = staysSlow(costs, memory);
    const coldPoint = { samplesPerSec, worker: cold.worker };
    const { found, change } = isLimited
      ? { found: same, change: { storage: "same" } as const }
      : { found: coldPoint, change: { storage: "cold" } as const };
    const points = await fetchPoints(loader, change, found.samplesPerSec, restPerSec, cold, context);
    const counted = countedFraction(run, cold.worker);
    const cachedFraction = isLimited ? 0 : (counted ?? cachedFractionOf(costs, memory));
    const isCold = cold.facts.coldReads === "direct";
    return {
      report: phaseReport("cold", cold.blocks, `reading alone, ${isCold ? "past" : "not past"} the page cache`),
      curve: withoutCpu(fitStorage(points, 0), found.worker, memory),
      bytesPerSample: found.worker.readBytes,
      cachedFraction,
      runPerSec: 1 / ((1 - cachedFraction) / found.samplesPerSec + cachedFraction / same.samplesPerSec),
      residency: isCold
        ? residencyText(costs, isLimited, cachedFraction, counted)
        : `not known: ${cold.facts.coldReadsReason}`,
      warmReason: isCold ? undefined : cold.facts.coldReadsReason,
    };
  } catch (error) {
    return noCold(whyNot(error, context.signal));
  }
}

function noCold(why: string, cold?: Drained): ColdPhase {
  const report = cold === undefined ? missingPhase("cold", why) : phaseReport("cold", cold.blocks, "");
  const residency = "not known: cold data were not measured";
  const unknown = { curve: undefined, runPerSec: undefined, warmReason: undefined };
  return { report, residency, bytesPerSample: 0, cachedFraction: 0, ...unknown };
}

/** What a worker needed to read a sample, in ms: in the run, cold, and as the page cache has it now. */
interface FetchCosts {
  readonly run: number | undefined;
  readonly cold: number;
  readonly same: number;
}

/** True if data that the page cache holds are slow to read all the same, as from storage that is slowed down on purpose. */
function staysSlow({ cold, same }: FetchCosts, memory: WorkerMs | undefined): boolean {
  return memory !== undefined && same > SLOW_FACTOR * memory.fetchMs && same > SLOW_SHARE * cold;
}

/**
 * The share from memory by the system's count of bytes, if it counts the cold reads, which all come from storage, and
 * storage gives small samples no more than is asked for, or nothing at all. More may have been in memory: the system reads ahead.
 */
function countedFraction(run: WorkerMs | undefined, cold: WorkerMs): number | undefined {
  const ofRun = run?.diskFraction;
  const ofCold = cold.diskFraction ?? 0;
  if (ofRun === undefined || ofCold < LEAST_COUNTED || (ofCold > MOST_COUNTED && ofRun > 0)) return undefined;
  return 1 - Math.min(1, ofRun);
}

/** In a run, workers that prepare keep those that read from the CPU; what that costs is seen in P. */
function cachedFractionOf({ run, cold, same }: FetchCosts, memory: WorkerMs | undefined): number {
  const contentionMs = Math.max(0, (memory?.fetchMs ?? same) - same);
  return cachedShare(run ?? cold + contentionMs, cold + contentionMs, same + contentionMs);
}

/**
 * What reading costs the CPU where data lie in memory is no wait: the model has it in the worker's work. What else it
 * costs, to ask for cold data and to wake up, goes with the wait.
 */
function withoutCpu(curve: StorageCurve, reading: WorkerMs, memory: WorkerMs | undefined): StorageCurve {
  const cpuMs = Math.min(reading.cpuMs ?? Infinity, memory?.fetchMs ?? 0);
  return { ...curve, latencyMs: Math.max(0, curve.latencyMs - cpuMs) };
}

interface FoundRate {
  readonly samplesPerSec: number;
  readonly worker: WorkerMs;
}

/** How fast workers read, in half the time of a phase; where that has no figure, as fast as cold data. */
async function fetchPoint(
  loader: MeasurableLoader,
  change: LoaderVariant,
  cold: Drained,
  context: PhaseContext,
): Promise<FoundRate> {
  const limits = { batches: cold.blocks.batches, ms: context.ms / 2 };
  const { blocks, worker } = await drainVariant(loader, { ...change, stages: "fetch" }, limits, context);
  return { samplesPerSec: blocks.samplesPerSec ?? cold.blocks.samplesPerSec ?? Number.NaN, worker };
}

async function fetchPoints(
  loader: MeasurableLoader,
  change: LoaderVariant,
  samplesPerSec: number,
  restPerSec: number,
  cold: Drained,
  context: PhaseContext,
): Promise<FetchPoint[]> {
  const numWorkers = Math.max(1, cold.facts.numWorkers);
  const points: FetchPoint[] = [{ numWorkers, samplesPerSec }];
  const add = async (count: number): Promise<number> => {
    const point = await fetchPoint(loader, { ...change, numWorkers: count }, cold, context);
    points.push({ numWorkers: count, samplesPerSec: point.samplesPerSec });
    return point.samplesPerSec;
  };
  if (samplesPerSec > FAR_FASTER * restPerSec) return points;
  const gain = (await add(2 * numWorkers)) / samplesPerSec;
  if (numWorkers > 1) await add(1);
  if (gain > LIMITED_GAIN && gain < FREE_GAIN) await add(4 * numWorkers);
  return points;
}

function residencyText(
  { run, cold, same }: FetchCosts,
  isLimited: boolean,
  cachedFraction: number,
  counted: number | undefined,
): string {
  const times = `a sample costs ${cold.toFixed(3)} ms of reading cold, ${same.toFixed(3)} ms as the page cache has it now`;
  if (run === undefined) return `not known for the run: ${times}`;
  const inRun = `${times}, ${run.toFixed(3)} ms in the run`;
  if (isLimited) return `storage is slow even for what the page cache has, so all counts as read from it: ${inRun}`;
  const share = `${Math.round(100 * cachedFraction)} %`;
  return counted === undefined
    ? `about ${share} of the run's samples came from memory, by their times: ${inRun}`
    : `${cachedFraction < 1 ? "at least " : ""}${share} of what the run read came from memory, as the system counts: ${inRun}`;
}
