import type { Clock } from "../../clock.js";

/** What goes before the measuring: it is over when all that it asks for has been done, or when its time is up. */
export interface Warmup {
  readonly batches: number;
  /** Default 0. */
  readonly samples?: number;
  /** Time that it takes at least, in ms since the first batch. Default 0. */
  readonly leastMs?: number;
  /** Time that it takes at most, in ms since the first batch. */
  readonly mostMs: number;
  /** Batches that it takes at most. */
  readonly mostBatches?: number;
}

/** How much a phase measures: the first of the limits that is reached ends it. */
export interface BlockLimits {
  readonly batches: number;
  /** In ms; {@link LEAST_BATCHES} are measured however long they take. */
  readonly ms: number;
  readonly warmup: Warmup;
  /** Warm-up included, but for the {@link LEAST_BATCHES}. Default: any number. */
  readonly totalBatches?: number;
}

/** What batch after batch took, without the warm-up. */
export interface Blocks {
  readonly batches: number;
  readonly samples: number;
  readonly wallMs: number;
  /** `undefined` where there is none: see `problem`. */
  readonly samplesPerSec: number | undefined;
  /** Half the range of the rates of three blocks over their mean; `undefined` with `samplesPerSec`. */
  readonly spread: number | undefined;
  /** Why there is no rate; empty where there is one. */
  readonly problem: string;
}

/** A rate with a spread needs so many batches: one a block. */
export const LEAST_BATCHES = 3;
const BLOCKS = 3;

interface Mark {
  readonly atMs: number;
  readonly samples: number;
}

/**
 * Calls `one` again and again and measures how many samples it gets through in a second, in three blocks of as many batches.
 * @param one - Deals with one batch; resolves to its samples, or to `undefined` where there is no further one.
 * @param onWarm - Called when the warm-up is over.
 */
export async function measureBlocks(
  one: () => Promise<number | undefined>,
  limits: BlockLimits,
  clock: Clock,
  onWarm: () => void = () => undefined,
): Promise<Blocks> {
  const { taken, isOver } = await warmUp(one, limits.warmup, clock);
  if (isOver) return noRate([], `it ended after ${taken} batches, while warming up`);
  const most = Math.min(limits.batches, Math.max(LEAST_BATCHES, (limits.totalBatches ?? Infinity) - taken));
  onWarm();
  let samples = 0;
  const begin = clock.now();
  const marks: Mark[] = [{ atMs: begin, samples }];
  while (marks.length <= most) {
    const size = await one();
    if (size === undefined) break;
    samples += size;
    const atMs = clock.now();
    marks.push({ atMs, samples });
    if (marks.length > LEAST_BATCHES && atMs - begin >= limits.ms) break;
  }
  return blocksOf(marks);
}

/** Returns how many batches it took, and whether there is no further one. */
async function warmUp(
  one: () => Promise<number | undefined>,
  { batches, samples: least = 0, leastMs = 0, mostMs, mostBatches = Infinity }: Warmup,
  clock: Clock,
): Promise<{ readonly taken: number; readonly isOver: boolean }> {
  let [taken, samples, firstAt] = [0, 0, 0];
  while (taken < mostBatches) {
    const size = await one();
    if (size === undefined) return { taken, isOver: true };
    if (taken++ === 0) firstAt = clock.now();
    samples += size;
    const ms = clock.now() - firstAt;
    // Batches that do not say their size count as enough.
    if (ms >= mostMs || (taken >= batches && !(samples < least) && ms >= leastMs)) break;
  }
  return { taken, isOver: false };
}

function noRate(marks: readonly Mark[], problem: string): Blocks {
  const [first] = marks;
  const last = marks.at(-1);
  return {
    batches: Math.max(0, marks.length - 1),
    samples: last?.samples ?? 0,
    wallMs: Math.max(0, (last?.atMs ?? 0) - (first?.atMs ?? 0)),
    samplesPerSec: undefined,
    spread: undefined,
    problem,
  };
}

function blocksOf(marks: readonly Mark[]): Blocks {
  const batches = marks.length - 1;
  if (batches < LEAST_BATCHES)
    return noRate(marks, `it gave ${batches} batches after the warm-up, ${LEAST_BATCHES} are needed`);
  if (marks.some((mark, n) => mark.atMs < (marks[n - 1]?.atMs ?? mark.atMs)))
    return noRate(marks, "the clock went backwards");
  const rate = (from: number, to: number): number => {
    const [a, b] = [marks[from], marks[to]] as [Mark, Mark];
    return ((b.samples - a.samples) * 1000) / (b.atMs - a.atMs);
  };
  const samplesPerSec = rate(0, batches);
  if (Number.isNaN(samplesPerSec)) return noRate(marks, "batches do not say how many samples they hold");
  if (!Number.isFinite(samplesPerSec)) return noRate(marks, "the clock stood still");
  const at = (block: number): number => Math.floor((block * batches) / BLOCKS);
  const rates = Array.from({ length: BLOCKS }, (_, block) => rate(at(block), at(block + 1)));
  const mean = rates.reduce((sum, value) => sum + value, 0) / BLOCKS;
  const half = (Math.max(...rates) - Math.min(...rates)) / 2;
  // A block that took no time on a coarse clock has no rate: nothing is known of the spread, which is the widest then.
  const spread = Number.isFinite(half) ? half / mean : 1;
  return { ...noRate(marks, ""), samplesPerSec, spread };
}
