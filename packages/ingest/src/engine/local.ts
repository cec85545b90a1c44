import { writeShard } from "../shard-task.js";
import type { EngineHooks } from "./engine.js";
import type { ShardTask } from "../shard-task.js";

/** Runs the tasks one after the other in the calling thread. */
export async function runLocally(tasks: readonly ShardTask[], hooks: EngineHooks): Promise<void> {
  for (const task of tasks) {
    await hooks.onStart(task);
    const result = await writeShard(task, {
      signal: hooks.signal,
      onProgress: (progress) => hooks.onProgress(task, progress),
    });
    await hooks.onResult(task, result);
  }
}
