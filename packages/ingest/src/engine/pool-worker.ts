import { parentPort } from "node:worker_threads";
import { errorToData, type ErrorData } from "@millrace/formats";
import { shardName } from "../journal.js";
import type { ShardProgress } from "../progress.js";
import { writeShard, type ShardResult, type ShardTask } from "../shard-task.js";

/** What a task comes to, as plain data: an error that is posted would lose its class. */
export type ShardOutcome =
  | { readonly ok: true; readonly result: ShardResult }
  | { readonly ok: false; readonly error: ErrorData };

/** How far the shard of a worker is. */
export interface WorkerMessage {
  readonly shard: string;
  readonly progress: ShardProgress;
}

/** A message costs about as much as a tiny image, so there is one for some samples. */
const SAMPLES_PER_MESSAGE = 8;

/** The task that the pool's threads run. */
export async function runShardTask(task: ShardTask): Promise<ShardOutcome> {
  const shard = shardName(task.shard);
  try {
    const result = await writeShard(task, {
      onProgress: (progress) => {
        const done = progress.samples + progress.rejected;
        // The last one tells that the shard is being finished.
        if (done % SAMPLES_PER_MESSAGE === 0 || done === task.shard.items.length)
          parentPort?.postMessage({ shard, progress } satisfies WorkerMessage, []);
      },
    });
    return { ok: true, result };
  } catch (error) {
    return { ok: false, error: errorToData(error) };
  }
}
