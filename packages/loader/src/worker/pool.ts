import { errorFromData, WorkerError } from "@millrace/formats";
import { setTimeout as delay } from "node:timers/promises";
import { MessageChannel, receiveMessageOnPort, type MessagePort } from "node:worker_threads";
import { Piscina } from "piscina";
import type { Clock } from "../clock.js";
import type { WorkerDeath } from "../diagnostics.js";
import { Activity, createSnapshot, STAGE_OF } from "../ring/activity.js";
import { Effort } from "../ring/effort.js";
import type { Ring } from "../ring/ring.js";
import type { ReadAhead } from "../storage/read-ahead.js";
import type { SharedMemory } from "../ring/shared-memory.js";
import { crashOf, hangOf, placeCrash, stuckOf } from "./crash.js";
import type { Crew } from "./crew.js";
import { Deaths } from "./deaths.js";
import type { BadSample, PipelineSetup, WorkerResult, WorkerTask } from "./protocol.js";
import { rescue } from "./rescue.js";
import { workerEntry } from "./worker-entry.js";

/** A consumer that waits looks this often whether all workers still work. */
const LOOK_AROUND_MS = 1000;
/** The same while a worker is dead. */
const LOOK_AFTER_DEATH_MS = 10;
/** Workers that were told to stop get so long to end what they are doing; then their threads are ended. */
const STOP_MS = 2000;
/** A thread gets at least so long to start, the user's modules included. */
const START_MS = 30_000;
/** A thread that is ended gets so long to be gone. */
const END_MS = 5000;

/** What {@link WorkerPool} needs to know. */
export interface WorkerPoolOptions {
  readonly setup: PipelineSetup;
  readonly ring: Ring;
  readonly clock: Clock;
  /** A worker that spends more than this in one stage of one sample hangs. */
  readonly workerTimeoutMs: number;
  /** Is told of each worker that died. */
  readonly onDeath: (death: WorkerDeath) => void;
  /** Reads the shards into the memory of the system meanwhile. */
  readonly readAhead?: ReadAhead | undefined;
}

/** One worker as its owner sees it. */
interface Member {
  readonly number: number;
  readonly activity: Activity;
  readonly effort: Effort;
  /** Ends when its task does, and with it its successors'. */
  run: Promise<void> | undefined;
  port: MessagePort | undefined;
  ending: AbortController | undefined;
  /** Its thread is being ended. */
  hang: Hang | undefined;
  /** What it was at when the owner last looked, and since when the owner has seen that. */
  readonly seen: { since: number; sample: number; at: number };
}

interface Hang {
  readonly error: WorkerError;
  /** Resolves once the thread cannot write to the memory any more: true; or has had its time: false. */
  readonly isGone: Promise<boolean>;
}

/**
 * Worker threads, each of which runs one long task: to fill the ring until it is stopped or drained. A thread that dies
 * or hangs is replaced, and what it had claimed is made anew.
 */
export class WorkerPool implements Crew {
  readonly #piscina: Piscina;
  readonly #members: readonly Member[];
  readonly #activities: readonly Activity[];
  readonly #deaths: Deaths;
  #bad: BadSample[] = [];
  #interrupted: { readonly reason: unknown } | undefined;
  #waitingFor = 0;
  #isResting = true;
  /** A worker died and kept its claim. */
  #mustRescue = false;
  #closing: Promise<void> | undefined;

  constructor(readonly options: WorkerPoolOptions) {
    const { layout, memories } = options.setup;
    const [first] = memories as [SharedMemory];
    this.#members = Array.from({ length: layout.numWorkers }, (_, number) => ({
      number,
      activity: new Activity(first, layout, number),
      effort: new Effort(first, layout, number),
      run: undefined,
      port: undefined,
      ending: undefined,
      hang: undefined,
      seen: { since: -1, sample: -1, at: 0 },
    }));
    this.#activities = this.#members.map((member) => member.activity);
    this.#deaths = new Deaths(layout.numWorkers);
    this.#piscina = new Piscina({
      filename: workerEntry(),
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
    for (const member of this.#members) member.run ??= this.#keepRunning(member);
  }

  /** Runs the worker's task, and once more after each death, until it is told to return. */
  async #keepRunning(member: Member): Promise<void> {
    for (;;) {
      // No thread has the block now. Its worker counts as preparing from here on: it takes over once it has started.
      member.activity.enter(STAGE_OF.prep, this.options.clock.now(), -1);
      const crash = await this.#runTask(member);
      if (crash !== undefined) this.#bury(member, crash);
      const isNeeded = !this.#isResting && this.#interrupted === undefined && this.#closing === undefined;
      if (isNeeded && (crash !== undefined || !this.options.ring.isDraining)) continue;
      member.run = undefined;
      return;
    }
  }

  /** @returns why the worker died; `undefined` if its task ended as it should. */
  async #runTask(member: Member): Promise<WorkerError | undefined> {
    const { port1, port2 } = new MessageChannel();
    member.port = port1;
    member.ending = new AbortController();
    member.hang = undefined;
    const task: WorkerTask = { worker: member.number, setup: this.options.setup, port: port2 };
    try {
      const options = { transferList: [port2], signal: member.ending.signal };
      const result = (await this.#piscina.run(task, options)) as WorkerResult;
      if (!result.ok) this.interrupt(errorFromData(result.error));
      return undefined;
    } catch (error) {
      return await this.#explain(member, error);
    } finally {
      this.#drainPort(port1);
      port1.close();
      member.port = undefined;
    }
  }

  /** Nobody may take back a hung worker's claim before its thread is gone. */
  async #explain(member: Member, error: unknown): Promise<WorkerError> {
    const { hang } = member;
    if (hang === undefined) return crashOf(error, member.number, this.#placeOf(member));
    if (!(await hang.isGone)) {
      this.options.ring.abandon(hang.error);
      this.interrupt(hang.error);
    }
    return hang.error;
  }

  #bury(member: Member, death: WorkerError): void {
    if (this.#closing !== undefined) return;
    const sample = this.#sampleOf(member);
    const crash = placeCrash(death, this.options.setup.shards, sample);
    member.activity.recover(this.options.clock.now());
    member.effort.recover();
    this.#mustRescue = true;
    this.options.onDeath({ worker: member.number, sample, error: crash });
    if (this.#deaths.add(sample, crash)) this.options.ring.wakeConsumer(this.#waitingFor);
    else this.interrupt(crash);
  }

  async untilReady(slot: number): Promise<void> {
    const { ring, clock, workerTimeoutMs } = this.options;
    const start = clock.now();
    this.#waitingFor = slot;
    for (;;) {
      if (this.#interrupted !== undefined) throw this.#interrupted.reason;
      if (this.#mustRescue) this.#rescue();
      if (ring.isReady(slot)) break;
      const lookMs = this.#mustRescue ? LOOK_AFTER_DEATH_MS : LOOK_AROUND_MS;
      await ring.waitForReady(slot, Math.min(lookMs, workerTimeoutMs));
      this.#endHung(start);
    }
    this.#deaths.progress();
    // Not before the first batch, which would have to share the disk.
    this.options.readAhead?.start();
  }

  #rescue(): void {
    const done = rescue(this.options.ring, this.#activities, this.#deaths);
    if (done === undefined) return;
    this.#mustRescue = false;
    this.#drainPorts();
    this.#bad = [...this.#bad.filter((report) => !done.isVoid(report)), ...done.bad];
  }

  /**
   * Ends the threads of workers that have been at one stage of one sample for too long, as far as looks show it: a stage
   * may be that of several samples. Counted from `start` where they began earlier.
   */
  #endHung(start: number): void {
    const { clock, workerTimeoutMs } = this.options;
    const now = clock.now();
    const snapshot = createSnapshot();
    for (const member of this.#members) {
      const { activity } = member;
      if (member.hang !== undefined || activity.isIdle || !activity.read(now, snapshot)) continue;
      const { seen } = member;
      if (seen.since !== snapshot.since || seen.sample !== snapshot.sample)
        Object.assign(seen, { since: snapshot.since, sample: snapshot.sample, at: now });
      const isStarting = snapshot.stage === STAGE_OF.prep && snapshot.sample < 0;
      const limitMs = isStarting ? Math.max(START_MS, workerTimeoutMs) : workerTimeoutMs;
      if (now - Math.max(seen.at, start) >= limitMs) this.#endThread(member);
    }
  }

  #endThread(member: Member): void {
    const { activity, number } = member;
    const { setup, workerTimeoutMs } = this.options;
    const error = placeCrash(
      hangOf(number, this.#placeOf(member), workerTimeoutMs),
      setup.shards,
      this.#sampleOf(member),
    );
    const thread = this.#piscina.threads.find(({ threadId }) => threadId === activity.thread);
    const deadline = new AbortController();
    const isLate = delay(END_MS, false, { signal: deadline.signal }).catch(() => false);
    const isOut = thread === undefined || new Promise<true>((resolve) => thread.once("exit", () => resolve(true)));
    const isGone = Promise.race([isOut, isLate]).finally(() => deadline.abort());
    member.hang = { error, isGone };
    member.ending?.abort();
  }

  #sampleOf(member: Member): number {
    const snapshot = createSnapshot();
    return member.activity.read(this.options.clock.now(), snapshot) ? snapshot.sample : -1;
  }

  #placeOf(member: Member): string {
    const sample = this.#sampleOf(member);
    return sample >= 0 ? ` at sample number ${sample}` : "";
  }

  takeBad(): BadSample[] {
    this.#drainPorts();
    return this.#bad.splice(0);
  }

  dropBad(slot: number): void {
    this.#drainPorts();
    this.#bad = this.#bad.filter((bad) => bad.slot !== slot);
  }

  #drainPorts(): void {
    for (const { port } of this.#members) if (port !== undefined) this.#drainPort(port);
  }

  #drainPort(port: MessagePort): void {
    for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port))
      this.#bad.push(got.message as BadSample);
  }

  interrupt(reason: unknown): void {
    this.#interrupted ??= { reason };
    this.options.ring.wakeConsumer(this.#waitingFor);
  }

  async rest(): Promise<void> {
    this.#isResting = true;
    const runs = this.#members.flatMap((member) => member.run ?? []);
    const late = new AbortController();
    const isHung = this.#members.some((member) => member.hang !== undefined);
    const deadline = delay(isHung ? 0 : STOP_MS, "late", { signal: late.signal }).catch(() => undefined);
    const ended = await Promise.race([Promise.all(runs), deadline]);
    late.abort();
    if (ended === "late") await this.#end();
    this.#bad = [];
    this.#mustRescue = false;
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
    const { readAhead, ring } = this.options;
    const deadline = new AbortController();
    const isLate = delay(END_MS, true, { signal: deadline.signal }).catch(() => false);
    const isEnded = Promise.all([readAhead?.stop(), this.#piscina.destroy()]).then(() => false);
    if (await Promise.race([isEnded, isLate])) ring.abandon(stuckOf(END_MS));
    deadline.abort();
    for (const { activity, effort } of this.#members) {
      activity.recover(this.options.clock.now());
      effort.recover();
    }
  }
}
