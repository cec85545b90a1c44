import { OptionError, type ChecksumPolicy } from "@millrace/formats";
import { cpuBudget, DECODERS, type DecoderName } from "@millrace/image";
import { z } from "zod";
import { createSystemClock, type Clock } from "./clock.js";
import { checkOrder } from "./order/order-schema.js";
import type { Order } from "./order/order.js";
import { findRank, type Environment, type FoundRank } from "./order/rank-environment.js";
import { MAX_BATCH_SIZE } from "./ring/ring.js";
import { shownValue } from "./shown-value.js";
import type { LoaderState } from "./state.js";
import { checkTransform } from "./transforms/check-transform.js";
import type { Transform } from "./transforms/transform.js";
import type { AutotuneBudget } from "./tuning/autotune-budget.js";
import type { Inject } from "./worker/protocol.js";

/** How to load a dataset. */
export interface LoaderOptions {
  /** Default `train`. */
  readonly split?: string | undefined;
  /** Samples of a batch; default 64. */
  readonly batchSize?: number | undefined;
  /** Default {@link shuffle} with seed 0, or that of `state`. Its seed is the key of the transforms' randomness, too. */
  readonly order?: Order | undefined;
  /** What happens to each image, in this order; default nothing. */
  readonly transforms?: readonly Transform[] | undefined;
  /**
   * Order of the axes of transformed images: `nhwc` (default) is `[batch, height, width, channels]`, `nchw` is
   * `[batch, channels, height, width]`.
   */
  readonly layout?: "nhwc" | "nchw" | undefined;
  /** Names of the fields that batches have; default all that fit into a batch, but for texts such as `key`. */
  readonly fields?: readonly string[] | undefined;
  /** Threads; 0: the calling thread does the work. Default: the CPU budget less one, at least 1. */
  readonly numWorkers?: number | undefined;
  /** Batches ready or in the making, beside the one that the consumer has. Default: two for each worker, 2 to 8. */
  readonly prefetchDepth?: number | undefined;
  /**
   * Measures for a moment while opening, and takes the workers and the depth that a model of the loader finds best for this
   * machine, within a budget of memory and CPUs; `describe()` says which and why. What `numWorkers` or `prefetchDepth` says
   * stays. It changes neither the order nor the contents of batches. Default false.
   */
  readonly autotune?: boolean | AutotuneBudget | undefined;
  /**
   * Leaves out the last batch if it is short, and positions that do not divide among the ranks. Default false: the last
   * batch may be short, and ranks that run short begin the epoch's order again.
   */
  readonly dropLast?: boolean | undefined;
  /** Default `first`: a sample is checked the first time it is read in this process. */
  readonly checksums?: ChecksumPolicy | undefined;
  /**
   * Reads all shards once from front to back, while the first samples are read, so that the system has them in memory.
   * Default false: on a local disk it gained nothing. Left out where it cannot help, as for shards that are more than half
   * of the free memory; `describe()` says why. It needs workers and a manifest.
   */
  readonly readAhead?: boolean | undefined;
  /** Who decodes JPEGs: default `auto`, the fastest that can be had; see `describe()`. */
  readonly decoder?: DecoderName | "auto" | undefined;
  /** Where to go on, from `loader.state()`. */
  readonly state?: LoaderState | undefined;
  /**
   * This process's number among all that train together. Default: what the launcher says, by `RANK` and `WORLD_SIZE`
   * (torchrun) or else `SLURM_PROCID` and `SLURM_NTASKS` (srun); else 0.
   */
  readonly rank?: number | undefined;
  /** How many processes train together. Default: what the launcher says, or 1 if it says nothing or `rank` is given. */
  readonly worldSize?: number | undefined;
  /**
   * A sample that cannot be read, decoded or transformed: `fail` (default) throws its error when its batch is due;
   * `skip` puts the next sample of the rank in its place, and reports it in `loader.skipped` and `stats()`.
   */
  readonly onBadSample?: "fail" | "skip" | undefined;
  /** Ends the loader, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Default: the machine's monotonic clock. */
  readonly clock?: Clock | undefined;
  /** A worker that is longer than this at one step of one sample is taken for hung; default 120,000. */
  readonly workerTimeoutMs?: number | undefined;
  /**
   * What if storage or preparation were slower? Each sample takes so much longer: `fetchMs` sleeping, `prepMs` keeping a
   * core busy; `bytesPerSec` is what storage gives to all workers together, and a `cachedFraction` of the samples cost
   * storage nothing. Profiles with it show where the time of a slower machine would go.
   */
  readonly inject?: { readonly [K in keyof Inject]?: Inject[K] | undefined } | undefined;
}

/** {@link LoaderOptions} with nothing left open. */
export interface ResolvedOptions {
  readonly split: string;
  readonly batchSize: number;
  /** `undefined` where neither the caller nor yet a state has said it. */
  readonly order: Order | undefined;
  readonly transforms: readonly Transform[];
  readonly layout: "nhwc" | "nchw";
  readonly fields: readonly string[] | undefined;
  readonly numWorkers: number;
  /** CPUs that the number of workers comes from; `undefined` if the caller said it. */
  readonly cpus: number | undefined;
  /** `undefined`: to be chosen. */
  readonly prefetchDepth: number | undefined;
  /** `undefined`: off. */
  readonly autotune: AutotuneBudget | undefined;
  /** What it measured and chose, in words; `undefined` where it is off or has not yet. */
  readonly tuned: string | undefined;
  readonly dropLast: boolean;
  readonly decoder: DecoderName | "auto";
  readonly checksums: ChecksumPolicy;
  readonly readAhead: boolean;
  readonly state: unknown;
  readonly rank: number;
  readonly worldSize: number;
  readonly rankSource: FoundRank["source"];
  readonly onBadSample: "fail" | "skip";
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
  readonly workerTimeoutMs: number;
  readonly inject: Inject;
  /** What workers do of a sample: all, or no more than reading it; see {@link LoaderVariant}. */
  readonly stages: "all" | "fetch";
  /** Samples are read past the page cache where that can be. */
  readonly isCold: boolean;
}

const MAX_WORKERS = 1024;
/** No storage is faster. */
const MAX_BYTES_PER_SEC = 1e12;
const INJECTED = "milliseconds from 0 up, bytes a second above 0, a fraction from 0 to 1";

/** For each option what is expected of it, in words and as a schema. */
const OPTIONS = {
  split: ["a name", z.string().min(1)],
  batchSize: [`an integer from 1 to ${MAX_BATCH_SIZE}`, z.int().min(1).max(MAX_BATCH_SIZE)],
  order: ["an order: shuffle(), sequential(), blockShuffle(), weighted(), filter()", z.custom<Order>(isKind)],
  transforms: ["a list of at most 255 transforms", z.array(z.custom<Transform>(isKind)).max(255)],
  layout: ["nhwc | nchw", z.enum(["nhwc", "nchw"])],
  fields: ["a list of at least one name", z.array(z.string().min(1)).min(1)],
  numWorkers: [`an integer from 0 to ${MAX_WORKERS}`, z.int().min(0).max(MAX_WORKERS)],
  prefetchDepth: ["an integer from 1 to 1024", z.int().min(1).max(1024)],
  autotune: [
    "true, false or { maxMemoryBytes, maxCpus, seconds }: bytes from 1 up, an integer from 1 up, seconds above 0 up to 60",
    z.union([
      z.boolean(),
      z.strictObject({
        maxMemoryBytes: z.number().min(1).optional(),
        maxCpus: z.int().min(1).optional(),
        seconds: z.number().positive().max(60).optional(),
      }),
    ]),
  ],
  dropLast: ["true or false", z.boolean()],
  checksums: ["first | always | off", z.enum(["first", "always", "off"])],
  readAhead: ["true or false", z.boolean()],
  decoder: [`auto | ${DECODERS.join(" | ")}`, z.enum(["auto", ...DECODERS])],
  state: ["what loader.state() gave", z.unknown()],
  rank: ["an integer from 0 to worldSize - 1", z.int().min(0)],
  worldSize: ["an integer from 1 up", z.int().min(1)],
  onBadSample: ["fail | skip", z.enum(["fail", "skip"])],
  signal: ["an AbortSignal", z.instanceof(AbortSignal)],
  clock: ["{ now(): number }", z.custom<Clock>((value) => typeof (value as Clock | null)?.now === "function")],
  workerTimeoutMs: ["milliseconds above 0", z.number().positive()],
  inject: [
    `{ fetchMs, prepMs, bytesPerSec, cachedFraction }, ${INJECTED}`,
    z.strictObject({
      fetchMs: z.number().min(0).optional(),
      prepMs: z.number().min(0).optional(),
      bytesPerSec: z.number().positive().max(MAX_BYTES_PER_SEC).optional(),
      cachedFraction: z.number().min(0).max(1).optional(),
    }),
  ],
} as const;

function isKind(value: unknown): boolean {
  return typeof value === "object" && value !== null && "kind" in value;
}

/**
 * Checks the value of an option by itself.
 * @throws {@link OptionError} naming the option, what is expected and what was found.
 */
export function checkOption(name: keyof LoaderOptions, value: unknown): void {
  const [expected, schema] = OPTIONS[name];
  if (value === undefined || schema.safeParse(value).success) return;
  throw new OptionError({ option: name, problem: "is impossible", expected, found: shownValue(value) });
}

/**
 * Checks the options of a loader, once, and fills in the defaults.
 * @param environment - Where launchers say which rank this is.
 * @throws {@link OptionError} naming the option, what is expected and what was found.
 */
export function resolveOptions(options: LoaderOptions, environment: Environment = process.env): ResolvedOptions {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(OPTIONS, name)) {
      throw new OptionError({
        option: name,
        problem: "openLoader has no such option",
        expected: Object.keys(OPTIONS).join(", "),
      });
    }
    checkOption(name as keyof LoaderOptions, value);
  }
  const cpus = options.numWorkers === undefined ? cpuBudget() : undefined;
  const { rank, worldSize, source: rankSource } = findRank(options, environment);
  return {
    split: options.split ?? "train",
    batchSize: options.batchSize ?? 64,
    order: options.order === undefined ? undefined : checkOrder(options.order),
    transforms: (options.transforms ?? []).map(checkTransform),
    layout: options.layout ?? "nhwc",
    fields: options.fields,
    numWorkers: options.numWorkers ?? Math.max(1, (cpus as number) - 1),
    cpus,
    prefetchDepth: options.prefetchDepth,
    autotune: options.autotune === true ? {} : options.autotune === false ? undefined : options.autotune,
    tuned: undefined,
    dropLast: options.dropLast ?? false,
    checksums: options.checksums ?? "first",
    readAhead: options.readAhead ?? false,
    decoder: options.decoder ?? "auto",
    state: options.state,
    rank,
    worldSize,
    rankSource,
    onBadSample: options.onBadSample ?? "fail",
    signal: options.signal,
    clock: options.clock ?? createSystemClock(),
    workerTimeoutMs: options.workerTimeoutMs ?? 120_000,
    inject: {
      fetchMs: options.inject?.fetchMs ?? 0,
      prepMs: options.inject?.prepMs ?? 0,
      bytesPerSec: options.inject?.bytesPerSec,
      cachedFraction: options.inject?.cachedFraction ?? 0,
    },
    stages: "all",
    isCold: false,
  };
}
