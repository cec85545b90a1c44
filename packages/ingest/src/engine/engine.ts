import type { ShardProgress } from "../progress.js";
import type { ShardResult, ShardTask } from "../shard-task.js";

/** What an engine tells while it works. */
export interface EngineHooks {
  /** Stops the engine, which then rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** A task is to begin, or to begin anew. The engine waits for the promise first, and rejects if it does. */
  onStart(task: ShardTask): Promise<void>;
  /** How far a shard is; from 0 again if it has to be begun anew. */
  onProgress(task: ShardTask, progress: ShardProgress): void;
  /** A shard is finished. The engine waits for the promise before it resolves, and rejects if it does. */
  onResult(task: ShardTask, result: ShardResult): Promise<void>;
}

/**
 * Runs shard tasks, in any order and anywhere that sees the source and the dataset's folder. When the promise settles,
 * nothing runs any more.
 * @throws what a task throws; WorkerError if a thread dies twice over one task; the signal's reason.
 */
export type ShardEngine = (tasks: readonly ShardTask[], hooks: EngineHooks) => Promise<void>;
