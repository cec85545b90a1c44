import { changeModel, type Change } from "./change.js";
import { DATA_CHANGES, WORKER_BYTES, type StoredAs } from "./measured-factors.js";
import type { PipelineModel, Prediction } from "./pipeline-model.js";
import { predict } from "./predict.js";
import { workersChange } from "./workers-change.js";

/** What changes may take, and what is known of the data. */
export interface ChangeBudget {
  /** Most workers. Default: as many as there are cores; where workers are mostly blocked, 8 for each core. */
  readonly maxWorkers?: number | undefined;
  /**
   * Bytes for batches in the making, workers and cached data together, as {@link freeMemory} says what there is; default no
   * limit.
   */
  readonly maxMemoryBytes?: number | undefined;
  /** Bytes of all samples in storage; without it no more memory is proposed, as nobody knows how much it would take. */
  readonly datasetBytes?: number | undefined;
  /** Whether the option `readAhead` would keep all of the data in memory, as the facts of a loader say; default false. */
  readonly canReadAhead?: boolean | undefined;
  /** Without it no other format and no other size is proposed, as what they bring depends on it. */
  readonly storedAs?: StoredAs | undefined;
}

/** A change and what it would bring. */
export interface RankedChange {
  /** As in `workers: 1 -> 2`. */
  readonly name: string;
  readonly change: Change;
  /**
   * What it takes: an option of the loader; to convert the data again; to train in another way, with another batch or
   * another model, whose result is another; or to buy something.
   */
  readonly needs: "option" | "conversion" | "training" | "hardware";
  /** `needs` is `hardware`. */
  readonly needsHardware: boolean;
  readonly prediction: Prediction;
  /** Share by which throughput grows: 0.5 is half as much again. */
  readonly gain: number;
}

type Candidate = Pick<RankedChange, "name" | "change" | "needs">;

/** A change that brings less is not worth a line: it is less than measurements differ. */
const LEAST_GAIN = 0.02;
/** Of settings that are this close to the best, the smallest is taken. */
const CLOSE_TO_BEST = 0.99;
const WORKERS_A_CORE_IF_BLOCKED = 8;

/**
 * What could be changed to make the pipeline faster, the best first; those of equal gain in the order of what they take.
 * Pure. Only what brings more than 2 % is named.
 */
export function rankChanges(model: PipelineModel, budget: ChangeBudget = {}): RankedChange[] {
  const before = predict(model).samplesPerSec;
  const candidates = [
    ...workerChanges(model, budget),
    ...depthChanges(model, budget),
    ...cacheChanges(model, budget),
    ...dataChanges(budget),
    ...trainingChanges(model),
    ...hardwareChanges(model),
  ];
  return candidates
    .map((candidate): RankedChange => {
      const prediction = predict(changeModel(model, candidate.change));
      const gain = before > 0 && before < Infinity ? prediction.samplesPerSec / before - 1 : 0;
      return { ...candidate, needsHardware: candidate.needs === "hardware", prediction, gain };
    })
    .filter(({ gain }) => gain > LEAST_GAIN)
    .toSorted((a, b) => (Math.abs(a.gain - b.gain) < 1e-9 ? 0 : b.gain - a.gain));
}

/** Bytes that the loader would take: slots of the ring, and its workers. */
function memoryOf({ numWorkers, prefetchDepth, batchBytes }: PipelineModel): number {
  return (prefetchDepth + 1) * batchBytes + numWorkers * WORKER_BYTES;
}

/** The fewest workers that are as good as any number. */
function workerChanges(model: PipelineModel, budget: ChangeBudget): Candidate[] {
  const { numWorkers, cores } = model;
  const { fetchPerSec, prepPerSec } = predict(model);
  const isBlocked = fetchPerSec < prepPerSec;
  const most = budget.maxWorkers ?? Math.max(1, cores) * (isBlocked ? WORKERS_A_CORE_IF_BLOCKED : 1);
  const withWorkers = (count: number): Change => workersChange(model, count);
  const fits = (count: number): boolean =>
    memoryOf(changeModel(model, withWorkers(count))) <= (budget.maxMemoryBytes ?? Infinity);
  const counts = Array.from({ length: most }, (_, at) => at + 1).filter((count) => count !== numWorkers && fits(count));
  const rates = counts.map((count) => predict(changeModel(model, withWorkers(count))).samplesPerSec);
  const best = Math.max(0, ...rates);
  const count = counts[rates.findIndex((rate) => rate >= CLOSE_TO_BEST * best)];
  if (count === undefined) return [];
  return [{ name: `workers: ${numWorkers} -> ${count}`, change: withWorkers(count), needs: "option" }];
}

function depthChanges(model: PipelineModel, budget: ChangeBudget): Candidate[] {
  const { numWorkers, prefetchDepth, batchSize } = model;
  const depth = Math.max(2, Math.ceil(numWorkers / batchSize));
  const change = { prefetchDepth: depth };
  if (numWorkers === 0 || depth <= prefetchDepth) return [];
  if (memoryOf(changeModel(model, change)) > (budget.maxMemoryBytes ?? Infinity)) return [];
  return [{ name: `prefetch depth: ${prefetchDepth} -> ${depth}`, change, needs: "option" }];
}

function percent(fraction: number): string {
  return `${Math.round(fraction * 100)} %`;
}

/**
 * All of the data in memory: by the option of the loader where it allows that, by more memory where they do not fit. Data
 * that fit without the option are kept by the system after the first epoch: there is nothing to change.
 */
function cacheChanges(model: PipelineModel, budget: ChangeBudget): Candidate[] {
  const { datasetBytes = 0, maxMemoryBytes = Infinity, canReadAhead = false } = budget;
  const kept = (by: string, needs: RankedChange["needs"]): Candidate => ({
    name: `data in memory: ${percent(model.cacheFraction)} -> 100 % (${by})`,
    change: { cacheFraction: 1 },
    needs,
  });
  if (canReadAhead) return [kept("readAhead: true", "option")];
  return datasetBytes > 0 && datasetBytes > maxMemoryBytes - memoryOf(model) ? [kept("more memory", "hardware")] : [];
}

function dataChanges({ storedAs }: ChangeBudget): Candidate[] {
  return DATA_CHANGES.filter(({ from }) => storedAs !== undefined && from === storedAs).map(
    ({ name, bytesFactor, prepFactor }) => ({ name, change: { bytesFactor, prepFactor }, needs: "conversion" }),
  );
}

/** What makes another model of the same data. */
function trainingChanges({ batchSize }: PipelineModel): Candidate[] {
  return [
    {
      name: `batch size: ${batchSize} -> ${2 * batchSize} (trains in another way)`,
      change: { batchSize: 2 * batchSize },
      needs: "training",
    },
    { name: "a model of half the work (another model)", change: { modelFactor: 0.5 }, needs: "training" },
  ];
}

function hardwareChanges(model: PipelineModel): Candidate[] {
  const { cores, numWorkers } = model;
  const more = 2 * cores;
  return [
    { name: "a disk that is twice as fast", change: { storageFactor: 2 }, needs: "hardware" },
    { name: "a device that is twice as fast", change: { deviceFactor: 2 }, needs: "hardware" },
    {
      name: `cores: ${cores} -> ${more}, and as many workers`,
      change: { cores: more, ...workersChange(model, Math.max(more, numWorkers)) },
      needs: "hardware",
    },
  ];
}
