import { WorkerError } from "@millrace/formats";
import { shownValue } from "../shown-value.js";
import { shardAt, shardOf, type PackedShards } from "./packed-shards.js";

const EXIT_CODE = /exited with code: (-?\d+)/u;

/**
 * The error of a worker whose task ended with `error`, in words for its user.
 * @param worker - Its number, where it is known.
 * @param place - Where it was, such as ` at sample number 7`.
 */
export function crashOf(error: unknown, worker: number | undefined, place: string): WorkerError {
  const name = worker === undefined ? "a worker" : `worker ${worker}`;
  // A thread can throw anything, `null` too.
  const message = error instanceof Error ? error.message : shownValue(error);
  const code = EXIT_CODE.exec(message)?.[1];
  if (code !== undefined) {
    return new WorkerError({
      problem: `${name} exited with code ${code}${place}`,
      fix: "look for process.exit in your own transforms",
    });
  }
  const isMemory = (error as { code?: unknown } | null | undefined)?.code === "ERR_WORKER_OUT_OF_MEMORY";
  return new WorkerError({
    problem: isMemory ? `${name} ran out of memory${place}` : `${name} died${place}: ${message}`,
    fix: isMemory ? "lower numWorkers, or give node a larger --max-old-space-size" : undefined,
    cause: error,
  });
}

/** The error of a worker that has been at one step of one sample for too long. */
export function hangOf(worker: number, place: string, timeoutMs: number): WorkerError {
  return new WorkerError({
    problem: `worker ${worker} hangs${place}`,
    expected: `an end after ${timeoutMs} ms`,
    fix: "look at the storage and at your own transforms, or raise workerTimeoutMs",
  });
}

/** The error of a loader one of whose threads is in a call of the system that does not come back. */
export function stuckOf(timeoutMs: number): WorkerError {
  return new WorkerError({
    problem: "a worker cannot be ended, and may still write to the memory of the loader",
    expected: `an end within ${timeoutMs} ms`,
    fix: "look at the storage and at your own transforms, and open the data set anew",
  });
}

/**
 * The error of a worker with the shard and the row of the sample that it was at, as the error of a bad sample has them.
 * @param sample - Its number in the split; -1: none in particular.
 */
export function placeCrash(error: WorkerError, shards: PackedShards, sample: number): WorkerError {
  if (sample < 0) return error;
  const shard = shardOf(shards, sample);
  const row = sample - (shards.starts[shard] as number);
  return new WorkerError({ ...error.detail, file: shardAt(shards, shard).path, sample: row });
}
