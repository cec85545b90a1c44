import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { Piscina } from "piscina";
import { errorFromData, WorkerError } from "@millrace/formats";
import { shardName } from "../journal.js";
import type { ShardResult, ShardTask } from "../shard-task.js";
import type { EngineHooks, ShardEngine } from "./engine.js";
import type { ShardOutcome, WorkerMessage } from "./pool-worker.js";

/** A thread may die once over a task: by the system's memory killer, say. Twice is the task's own doing. */
const ATTEMPTS = 2;
/** A thread that hangs in the system cannot be ended; after this it is left behind. */
const STOP_MS = 10_000;

/** An engine of `numWorkers` threads, each with one task at a time. */
export function poolEngine(numWorkers: number): ShardEngine {
  return async (tasks, hooks) => {
    if (tasks.length > 0) await new PoolRun(tasks, hooks, Math.min(numWorkers, tasks.length)).run();
  };
}

class PoolRun {
  readonly #pool: Piscina<ShardTask, ShardOutcome>;
  readonly #byName: ReadonlyMap<string, ShardTask>;
  readonly #queue: Iterator<ShardTask>;
  /** Rejects when the run must stop: aborted by the caller, or failed in a lane or a hook. */
  readonly #stop: Promise<never>;
  #reject: (reason: unknown) => void = () => undefined;
  #stopped = false;

  constructor(
    tasks: readonly ShardTask[],
    readonly hooks: EngineHooks,
    readonly numWorkers: number,
  ) {
    this.#byName = new Map(tasks.map((task) => [shardName(task.shard), task]));
    this.#queue = tasks.values();
    this.#stop = new Promise<never>((_, reject) => (this.#reject = reject));
    this.#stop.catch(() => undefined);
    this.#pool = new Piscina({
      filename: fileURLToPath(new URL("pool-worker.js", import.meta.url)),
      name: "runShardTask",
      minThreads: numWorkers,
      maxThreads: numWorkers,
      concurrentTasksPerWorker: 1,
      // The default blocks the event loop of an idle worker, which sharp and the file system need.
      atomics: "disabled",
    });
    this.#pool.on("message", (message: WorkerMessage) => this.#onMessage(message));
    this.#pool.on("error", (error: unknown) => this.#fail(error));
  }

  async run(): Promise<void> {
    const { signal } = this.hooks;
    const onAbort = (): void => this.#fail(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    const lanes = Array.from({ length: this.numWorkers }, () => this.#lane());
    try {
      await Promise.race([Promise.all(lanes), this.#stop]);
    } catch (error) {
      this.#fail(error);
      throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
      const stopped = Promise.allSettled([this.#pool.destroy(), ...lanes]);
      await Promise.race([stopped, sleep(STOP_MS, undefined, { ref: false })]);
    }
  }

  /** One lane a thread keeps tasks out of the pool's own queue, so that nothing begins after a failure. */
  async #lane(): Promise<void> {
    for (let next = this.#queue.next(); next.done !== true; next = this.#queue.next()) {
      const result = await this.#runTask(next.value);
      await this.hooks.onResult(next.value, result);
    }
  }

  async #runTask(task: ShardTask): Promise<ShardResult> {
    for (let attempt = 1; ; attempt++) {
      await Promise.race([this.hooks.onStart(task), this.#stop]);
      let outcome: ShardOutcome;
      try {
        outcome = await Promise.race([this.#pool.run(task), this.#stop]);
      } catch (error) {
        if (this.#stopped) throw error;
        if (attempt < ATTEMPTS) continue;
        throw new WorkerError({
          file: `${task.shard.split}, shard ${task.shard.number}`,
          problem: `the thread that wrote the shard died ${ATTEMPTS} times`,
          found: error instanceof Error ? error.message : String(error),
          fix: "look for an image that needs more memory than there is, or lower numWorkers",
          cause: error,
        });
      }
      if (!outcome.ok) throw errorFromData(outcome.error);
      return outcome.result;
    }
  }

  #fail(reason: unknown): void {
    this.#stopped = true;
    this.#reject(reason);
  }

  #onMessage({ shard, progress }: WorkerMessage): void {
    const task = this.#byName.get(shard);
    if (task === undefined) return;
    try {
      this.hooks.onProgress(task, progress);
    } catch (error) {
      this.#fail(error);
    }
  }
}
