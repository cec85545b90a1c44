import { channel, type Channel } from "node:diagnostics_channel";
import type { Batch } from "./batch.js";

/**
 * What is published on the channel `millrace:loader:batch` of `node:diagnostics_channel` when the consumer gets a batch.
 * Times are milliseconds of the loader's clock.
 */
export interface BatchSpan {
  readonly epoch: number;
  readonly step: number;
  readonly size: number;
  /** When the batch was asked for, and when it was handed over. */
  readonly startMs: number;
  readonly endMs: number;
  /** When its last sample was made. */
  readonly readyMs: number;
  readonly stallMs: number;
  readonly fetchStallMs: number;
  readonly prepStallMs: number;
}

/** What is published on `millrace:loader:epoch` when a loop over an epoch ends. */
export interface EpochSpan {
  readonly epoch: number;
  readonly startMs: number;
  readonly endMs: number;
  /** False if it was left before its end. */
  readonly isWhole: boolean;
}

/** What is published on `millrace:loader:worker` when a worker dies. */
export interface WorkerDeath {
  readonly worker: number;
  /** Number of the sample at work; -1 if none was. */
  readonly sample: number;
  readonly error: Error;
}

const batches = channel("millrace:loader:batch");
const epochs = channel("millrace:loader:epoch");
const workers = channel("millrace:loader:worker");

/** Publishes a message that is made only if somebody listens. */
function publish(to: Channel, message: () => BatchSpan | EpochSpan | WorkerDeath): void {
  if (to.hasSubscribers) to.publish(message());
}

/** Publishes a {@link BatchSpan}. */
export function publishBatch(batch: Batch, startMs: number, endMs: number, readyMs: number): void {
  if (!batches.hasSubscribers) return;
  const { epoch, step, size, stall } = batch;
  batches.publish({ epoch, step, size, startMs, endMs, readyMs, ...stall } satisfies BatchSpan);
}

/** Publishes an {@link EpochSpan}. */
export function publishEpoch(span: EpochSpan): void {
  publish(epochs, () => span);
}

/** Publishes a {@link WorkerDeath}. */
export function publishDeath(death: WorkerDeath): void {
  publish(workers, () => death);
}
