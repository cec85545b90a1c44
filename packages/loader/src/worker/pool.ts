import { errorFromData, WorkerError } from "@millrace/formats";
import { fileURLToPath } from "node:url";
import { MessageChannel, receiveMessageOnPort, type MessagePort } from "node:worker_threads";
import { Piscina } from "piscina";
import type { Clock } from "../clock.js";
import { Activity, createSnapshot, STAGE_OF } from "../ring/activity.js";
import type { Ring } from "../ring/ring.js";
import type { Crew } from "./crew.js";
import type { BadSample, PipelineSetup, WorkerResult, WorkerTask } from "./protocol.js";

/** A consumer that waits looks this often whether all workers still work. */
const LOOK_AROUND_MS = 1000;
/** Workers that were told to stop get so long to end what they are doing; then their threads are ended. */
const STOP_MS = 2000;

/** What {@link WorkerPool} needs to know. */
export interface WorkerPoolOptions {
  readonly setup: PipelineSetup;
  readonly ring: Ring;
  readonly clock: Clock;
  /** A worker that spends more than this in one stage of one sample hangs. */
  readonly workerTimeoutMs: number;
}

/** Worker threads, each of which runs one long task: to fill the ring until it is stopped. */
export class WorkerPool implements Crew {
  readonly #piscina: Piscina;
  readonly #activities: readonly Activity[];
  #ports: MessagePort[] = [];
  #tasks: Promise<void>[] = [];
  #interrupted: { readonly reason: unknown } | undefined;
  #waitingFor = 0;
  #isResting = true;
  /** A worker hangs, so there is no use in waiting until all have stopped. */
  #isHung = false;
  #closing: Promise<void> | undefined;

  constructor(readonly options: WorkerPoolOptions) {
    const { layout, memory } = options.setup;
    this.#activities = Array.from({ length: layout.numWorkers }, (_, n) => new Activity(memory, layout, n));
    this.#piscina = new Piscina({
      filename: fileURLToPath(new URL("./main.js", import.meta.url)),
      name: "work",
      minThreads: layout.numWorkers,
      maxThreads: layout.numWorkers,
      idleTimeout: Infinity,
      // Workers wait on the ring; between tasks their event loops must turn, as decoders may use them.
      atomics: "disabled",
      recordTiming: false,
    });
    // A thread that fails while it has no task; the next one that has a task will say so.
    this.#piscina.on("error", (error: unknown) => this.interrupt(crashOf(error, undefined, "")));
  }

  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  start(): void {
    this.#isResting = false;
    this.#interrupted = undefined;
    const now = this.options.clock.now();
    this.#tasks = this.#activities.map(async (activity, worker) => {
      // No thread has the block now. Its worker counts as preparing from here on: it takes over once it has started.
      activity.enter(STAGE_OF.prep, now, -1);
      const { port1, port2 } = new MessageChannel();
      this.#ports.push(port1);
      const task: WorkerTask = { worker, setup: this.options.setup, port: port2 };
      try {
        const result = (await this.#piscina.run(task, { transferList: [port2] })) as WorkerResult;
        if (!result.ok) this.interrupt(errorFromData(result.error));
        else if (!this.#isResting) this.interrupt(crashOf(undefined, worker, ""));
      } catch (error) {
        if (this.#closing === undefined) this.interrupt(crashOf(error, worker, this.#sampleOf(worker)));
      }
    });
  }

  async untilReady(slot: number): Promise<void> {
    const { ring, clock } = this.options;
    const start = clock.now();
    this.#waitingFor = slot;
    for (;;) {
      if (this.#interrupted !== undefined) throw this.#interrupted.reason;
      if (ring.isReady(slot)) return;
      await ring.waitForReady(slot, Math.min(LOOK_AROUND_MS, this.options.workerTimeoutMs));
      this.#checkHang(start);
    }
  }

  /** A worker that has been in one stage for too long, counted from `start` where it began earlier, hangs. */
  #checkHang(start: number): void {
    const { clock, workerTimeoutMs } = this.options;
    const now = clock.now();
    if (now - start < workerTimeoutMs) return;
    const snapshot = createSnapshot();
    for (const [worker, activity] of this.#activities.entries()) {
      if (!activity.read(now, snapshot) || snapshot.stage === STAGE_OF.idle) continue;
      if (now - Math.max(snapshot.since, start) < workerTimeoutMs) continue;
      this.#isHung = true;
      this.interrupt(
        new WorkerError({
          problem: `worker ${worker} hangs${this.#sampleOf(worker)}`,
          expected: `an end after ${workerTimeoutMs} ms`,
          fix: "look at the storage and at your own transforms, or raise workerTimeoutMs",
        }),
      );
    }
  }

  #sampleOf(worker: number): string {
    const snapshot = createSnapshot();
    const isKnown = this.#activities[worker]?.read(this.options.clock.now(), snapshot) === true;
    return isKnown && snapshot.sample >= 0 ? ` at sample number ${snapshot.sample}` : "";
  }

  takeBad(): BadSample[] {
    const bad: BadSample[] = [];
    for (const port of this.#ports)
      for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port))
        bad.push(got.message as BadSample);
    return bad;
  }

  interrupt(reason: unknown): void {
    this.#interrupted ??= { reason };
    this.options.ring.wakeConsumer(this.#waitingFor);
  }

  async rest(): Promise<void> {
    this.#isResting = true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), this.#isHung ? 0 : STOP_MS);
    });
    const ended = await Promise.race([Promise.all(this.#tasks), late]);
    clearTimeout(timer);
    if (ended === "late") await this.#end();
    for (const port of this.#ports) port.close();
    this.#ports = [];
    this.#tasks = [];
  }

  async close(): Promise<void> {
    await this.rest();
    await this.#end();
  }

  #end(): Promise<void> {
    this.#closing ??= this.#destroy();
    return this.#closing;
  }

  async #destroy(): Promise<void> {
    await this.#piscina.destroy();
    for (const activity of this.#activities) activity.recover(this.options.clock.now());
  }
}

const EXIT_CODE = /exited with code: (-?\d+)/u;

function crashOf(error: unknown, worker: number | undefined, place: string): WorkerError {
  const name = worker === undefined ? "a worker" : `worker ${worker}`;
  if (error === undefined) return new WorkerError({ problem: `${name} ended too early` });
  const message = error instanceof Error ? error.message : JSON.stringify(error);
  const code = EXIT_CODE.exec(message)?.[1];
  if (code !== undefined) {
    return new WorkerError({
      problem: `${name} exited with code ${code}${place}`,
      fix: "look for process.exit in your own transforms",
    });
  }
  const isMemory = (error as { code?: unknown }).code === "ERR_WORKER_OUT_OF_MEMORY";
  return new WorkerError({
    problem: isMemory ? `${name} ran out of memory${place}` : `${name} died${place}: ${message}`,
    fix: isMemory ? "lower numWorkers, or give node a larger --max-old-space-size" : undefined,
    cause: error,
  });
}
