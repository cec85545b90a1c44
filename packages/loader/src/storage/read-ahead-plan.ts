import { checkShardLinks, type ShardLocation } from "@millrace/formats";
import { freemem } from "node:os";
import type { Clock } from "../clock.js";
import { ReadAhead } from "./read-ahead.js";

/** Whether shards are read ahead as a whole, and why. */
export interface ReadAheadPlan {
  readonly isOn: boolean;
  /** Whether they would be, if the caller asked for it. */
  readonly isPossible: boolean;
  /** As the end of a sentence. */
  readonly reason: string;
}

/** What {@link planReadAhead} needs to know. */
export interface ReadAheadPlanOptions {
  /** The caller asks for it. */
  readonly readAhead: boolean;
  /** Bytes of all shards; `undefined` where a file without a manifest does not say it. */
  readonly bytes: number | undefined;
  /** Memory that is free or used for files only. */
  readonly freeBytes: number;
  readonly numWorkers: number;
  readonly worldSize: number;
  /** Kind of the order. */
  readonly order: string;
}

/** Files that are read ahead take at most so much of the free memory, or they would drive each other out. */
const FREE_FRACTION = 0.5;

/** Orders that read shards from front to back, or in blocks: the system reads ahead by itself. */
const ORDERED: readonly string[] = ["sequential", "blockShuffle"];

/**
 * Decides whether the shards are read ahead where the caller asks for it: a pure function. It can help only where samples
 * are read at random and all of them stay in memory; else it would read more than it saves.
 */
export function planReadAhead(options: ReadAheadPlanOptions): ReadAheadPlan {
  const refusal = refusalOf(options);
  const isPossible = refusal === undefined;
  if (!options.readAhead) return { isOn: false, isPossible, reason: "as the option readAhead does not ask for it" };
  const granted = `as the option readAhead asks for it, samples are read at random, and ${sizesOf(options, "at most")}`;
  return { isOn: isPossible, isPossible, reason: refusal ?? granted };
}

/** Why shards are not read ahead, even if the caller asks for it; `undefined` if they are. */
function refusalOf(options: ReadAheadPlanOptions): string | undefined {
  const { bytes, freeBytes, numWorkers, worldSize, order } = options;
  if (numWorkers === 0) return "as the calling thread reads";
  if (bytes === undefined) return "as no manifest says how large the files are";
  if (ORDERED.includes(order)) return `as the order ${order} does not read at random`;
  if (worldSize > 1) return `as this rank reads a part of ${worldSize} only`;
  return bytes > FREE_FRACTION * freeBytes ? `as ${sizesOf(options, "more than")}` : undefined;
}

function sizesOf({ bytes = 0, freeBytes }: ReadAheadPlanOptions, comparison: string): string {
  const [size, free] = [bytes, freeBytes].map((value) => `${(value / 1e6).toFixed(1)} MB`);
  return `${size} are ${comparison} half of ${free} of free memory`;
}

/**
 * Memory, in bytes, that this process may fill with files: what the system has free, within the limit of its group. By it
 * the option `readAhead` and autotune decide.
 */
export function freeMemory(): number {
  const limit = process.constrainedMemory();
  const free = freemem();
  return limit > 0 && limit < Number.MAX_SAFE_INTEGER ? Math.min(free, limit - process.memoryUsage.rss()) : free;
}

/** The decision for these shards, and who reads them ahead if it is on. */
export function prepareReadAhead(
  shards: readonly ShardLocation[],
  options: Omit<ReadAheadPlanOptions, "bytes" | "freeBytes"> & { readonly clock: Clock },
): { readonly plan: ReadAheadPlan; readonly readAhead: ReadAhead | undefined } {
  let bytes: number | undefined = 0;
  for (const { entry } of shards) bytes = entry === undefined || bytes === undefined ? undefined : bytes + entry.bytes;
  const plan = planReadAhead({ ...options, bytes, freeBytes: freeMemory() });
  if (!plan.isOn) return { plan, readAhead: undefined };
  const files = shards.map((location) => ({
    path: location.path,
    bytes: location.entry?.bytes ?? 0,
    check: () => checkShardLinks(location),
  }));
  return { plan, readAhead: new ReadAhead({ files, clock: options.clock }) };
}
