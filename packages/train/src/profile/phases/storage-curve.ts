/** How fast so many workers read, when they do nothing else. */
export interface FetchPoint {
  readonly numWorkers: number;
  readonly samplesPerSec: number;
}

/** What limits reading: the wait of each worker, or the storage that they share. */
export interface StorageCurve {
  /** The wait of one worker for one sample, in ms, beside what the shared limit costs. */
  readonly latencyMs: number;
  /** What storage gives however many read; `undefined` if that limit was not met. */
  readonly limitPerSec: number | undefined;
}

/** More workers that gain less than this share of what they would without a limit have met it. */
const LEAST_EFFICIENCY = 0.6;
/** A rate below this share of the limit is due to the latency. */
const BELOW_LIMIT = 0.8;

/**
 * Reads `workers / latency` samples a second until a limit is met: the rule is fitted to what was measured.
 * @param points - At least one.
 * @param leastLatencyMs - What a sample costs where the latency hides behind the limit: that of data in memory.
 */
export function fitStorage(points: readonly FetchPoint[], leastLatencyMs: number): StorageCurve {
  const sorted = points.toSorted((a, b) => a.numWorkers - b.numWorkers);
  const [few, most] = [sorted[0], sorted.at(-1)] as [FetchPoint, FetchPoint];
  const gain = most.samplesPerSec / few.samplesPerSec - 1;
  const hasMetLimit = gain < LEAST_EFFICIENCY * (most.numWorkers / few.numWorkers - 1);
  const highest = Math.max(...sorted.map((point) => point.samplesPerSec));
  const isFree = ({ samplesPerSec }: FetchPoint): boolean => !hasMetLimit || samplesPerSec < BELOW_LIMIT * highest;
  const limited = sorted.filter((point) => !isFree(point)).map((point) => point.samplesPerSec);
  const limitPerSec = hasMetLimit ? meanOf(limited) : undefined;
  const latencies = sorted.filter(isFree).map(({ numWorkers, samplesPerSec }) => (numWorkers * 1000) / samplesPerSec);
  return { latencyMs: latencies.length === 0 ? leastLatencyMs : meanOf(latencies), limitPerSec };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * The share of samples that came from memory, 0..1, by what a worker waited for one: in the run, cold, and from memory.
 * Cold data that cost no more than data in memory tell nothing: then all counts as storage's, as a limit that holds for
 * both is one that memory does not lift.
 */
export function cachedShare(runMs: number, coldMs: number, memoryMs: number): number {
  const differenceMs = coldMs - memoryMs;
  if (!(differenceMs > 0.1 * coldMs)) return 0;
  return Math.min(1, Math.max(0, (coldMs - runMs) / differenceMs));
}
