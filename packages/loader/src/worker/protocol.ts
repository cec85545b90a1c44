import type { ChecksumPolicy, ErrorData } from "@millrace/formats/shard";
import type { DecoderName } from "@millrace/image";
import type { MessagePort } from "node:worker_threads";
import type { FieldPlan } from "../fields.js";
import type { RingLayout } from "../ring/layout.js";
import type { SharedMemory } from "../ring/shared-memory.js";
import type { PackedShards } from "./packed-shards.js";

/** What samples cost beside their own work: a loader as if storage or preparation were slower. */
export interface Inject {
  /** Milliseconds that a worker sleeps for each sample, counted as fetch. */
  readonly fetchMs: number;
  /** Milliseconds of CPU that a worker spends on each sample, counted as prep. */
  readonly prepMs: number;
  /**
   * Bytes that storage gives in a second to all workers together; `undefined`: no limit. Counted are the bytes that
   * samples are read by, of a crop only those that it needs. A worker sleeps until its bytes are due, counted as fetch.
   * Storage that nobody read of for a while gives the bytes of 10 ms at once.
   */
  readonly bytesPerSec: number | undefined;
  /** Share of the samples, 0 to 1, that cost neither `fetchMs` nor bytes, as if they were cached: always the same ones. */
  readonly cachedFraction: number;
}

/** All that a worker must know to make samples. Plain data and shared memory; the same for every worker of a loader. */
export interface PipelineSetup {
  /** The shards of the split; a sample's number counts through them. */
  readonly shards: PackedShards;
  readonly fields: readonly FieldPlan[];
  readonly layout: RingLayout;
  /** Those that the layout has. */
  readonly memories: readonly SharedMemory[];
  /** Key of the transforms' randomness. */
  readonly seed: number;
  readonly checksums: ChecksumPolicy;
  /** Who decodes; `undefined` where no image is encoded. */
  readonly decoder: DecoderName | undefined;
  /** One bit a sample: checked before. */
  readonly checked: SharedArrayBuffer;
  /** Samples claimed at a time. */
  readonly runLength: number;
  readonly inject: Inject;
  /** State of the injected storage's limit, see {@link TokenBucket}. */
  readonly bucket: SharedArrayBuffer;
  /** `fetch`: samples are read and checked, and neither decoded nor transformed. */
  readonly stages: "all" | "fetch";
  /** Samples are read past the page cache where that can be. */
  readonly isCold: boolean;
  /** Files that one worker keeps open; not less than `runLength`, as the samples of a claim may lie in as many shards. */
  readonly maxOpenFiles: number;
}

/** The task of a worker thread: to make samples until the ring is stopped. */
export interface WorkerTask {
  /** Number of the worker, which is the number of its block of the shared memory. */
  readonly worker: number;
  readonly setup: PipelineSetup;
  /** Where it reports samples that cannot be made, as {@link BadSample}. */
  readonly port: MessagePort;
}

/** How a worker's task ended. Errors cross the thread boundary as data. */
export type WorkerResult = { readonly ok: true } | { readonly ok: false; readonly error: ErrorData };

/** A sample that cannot be made. It is reported before its slot becomes READY. */
export interface BadSample {
  readonly slot: number;
  readonly cell: number;
  readonly error: ErrorData;
}
