import { WORKER_BYTES, type RingLayout } from "./layout.js";
import type { SharedMemory } from "./shared-memory.js";

/*
 * What a worker's work took, published without locks, as what it is doing is (activity.ts): a part of the same block of
 * memory, with a sequence of its own.
 *
 *   word 13    NATIVE      the system's number of the thread that runs the worker's task; 0: none does, or it is not known
 *   word 14    SEQUENCE    odd while the writer writes
 *   double 8   CPU_DONE    CPU ms that the tasks before took
 *   double 9   CPU_START   CPU ms that the thread had taken when it began this task
 *   double 10  CPU_LAST    CPU ms that the thread had taken when it last published them
 *   double 11  READ        bytes that samples were read by
 *   double 12  SLEPT       injected ms of sleep
 *   double 13  SPUN        injected ms of work, on the wall
 *   double 14  SPUN_CPU    CPU ms of that
 *
 *              begin              publish                    end, or by the owner after a death: recover
 *   NATIVE 0 ─────────▶ NATIVE n ─────────▶ CPU_LAST grows ─────────────────────────────────────────────▶ NATIVE 0
 *                       CPU_START = LAST                      CPU_DONE += LAST - START
 */
const NATIVE = 13;
const SEQUENCE = 14;
const CPU_DONE = 8;
const CPU_START = 9;
const CPU_LAST = 10;
const READ = 11;
const SLEPT = 12;
const SPUN = 13;
const SPUN_CPU = 14;
const WORDS = 32;

/** What a worker has spent, all of its threads together. */
export interface EffortTotals {
  /** Bytes that samples were read by. */
  readBytes: number;
  /** Injected: ms slept. */
  injectedFetchMs: number;
  /** Injected: ms worked, on the wall. */
  injectedPrepMs: number;
  /** Injected: CPU ms of that. */
  injectedPrepCpuMs: number;
}

/** The totals and the CPU time of a worker. */
export interface EffortSnapshot extends EffortTotals {
  /** CPU ms, as far as they are published. */
  cpuMs: number;
  /** The thread whose CPU time less `cpuOffsetMs` is what `cpuMs` is by now; 0: there is none. */
  nativeThread: number;
  cpuOffsetMs: number;
}

/** No effort. */
export function createEffort(): EffortSnapshot {
  return {
    readBytes: 0,
    injectedFetchMs: 0,
    injectedPrepMs: 0,
    injectedPrepCpuMs: 0,
    cpuMs: 0,
    nativeThread: 0,
    cpuOffsetMs: 0,
  };
}

/** One worker's account. The worker writes it, or the loader's owner while no thread is the worker; everybody may read it. */
export class Effort {
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;

  constructor(memory: SharedMemory, layout: RingLayout, worker: number) {
    const at = layout.workersAt + worker * WORKER_BYTES;
    this.#words = new Int32Array(memory.buffer, at, WORDS);
    this.#doubles = new Float64Array(memory.buffer, at, WORDS / 2);
  }

  /**
   * Writer: this thread begins the worker's task.
   * @param native - The system's number of the thread.
   * @param cpuMs - Its CPU time.
   */
  begin(native: number, cpuMs: number): void {
    Atomics.add(this.#words, SEQUENCE, 1);
    this.#doubles[CPU_START] = cpuMs;
    this.#doubles[CPU_LAST] = cpuMs;
    this.#words[NATIVE] = native;
    Atomics.add(this.#words, SEQUENCE, 1);
  }

  /** Writer: what the worker has spent by now; its totals begin with those that {@link Effort.read} gave. */
  publish(totals: EffortTotals): void {
    Atomics.add(this.#words, SEQUENCE, 1);
    this.#doubles[READ] = totals.readBytes;
    this.#doubles[SLEPT] = totals.injectedFetchMs;
    this.#doubles[SPUN] = totals.injectedPrepMs;
    this.#doubles[SPUN_CPU] = totals.injectedPrepCpuMs;
    Atomics.add(this.#words, SEQUENCE, 1);
  }

  /** Writer: what the CPU time of its thread is by now. */
  publishCpu(cpuMs: number): void {
    Atomics.add(this.#words, SEQUENCE, 1);
    this.#doubles[CPU_LAST] = cpuMs;
    Atomics.add(this.#words, SEQUENCE, 1);
  }

  /** Writer: this thread ends the task. What was published last counts. */
  end(): void {
    if (this.#words[NATIVE] === 0) return;
    const doubles = this.#doubles;
    Atomics.add(this.#words, SEQUENCE, 1);
    doubles[CPU_DONE] = (doubles[CPU_DONE] as number) + (doubles[CPU_LAST] as number) - (doubles[CPU_START] as number);
    this.#words[NATIVE] = 0;
    Atomics.add(this.#words, SEQUENCE, 1);
  }

  /** The owner of the loader, when the worker's thread is gone: ends its task, if it has not. */
  recover(): void {
    if ((Atomics.load(this.#words, SEQUENCE) & 1) === 1) Atomics.add(this.#words, SEQUENCE, 1);
    this.end();
  }

  /** Any thread. After a few vain tries against a busy writer it keeps `snapshot` as it was and returns false. */
  read(snapshot: EffortSnapshot): boolean {
    const doubles = this.#doubles;
    for (let tries = 0; tries < 100; tries++) {
      const sequence = Atomics.load(this.#words, SEQUENCE);
      if ((sequence & 1) === 1) continue;
      const values = doubles.slice(CPU_DONE, SPUN_CPU + 1);
      const native = this.#words[NATIVE] as number;
      if (Atomics.add(this.#words, SEQUENCE, 0) !== sequence) continue;
      const [done, start, last, readBytes, slept, spun, spunCpu] = values as unknown as [
        number,
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      snapshot.readBytes = readBytes;
      snapshot.injectedFetchMs = slept;
      snapshot.injectedPrepMs = spun;
      snapshot.injectedPrepCpuMs = spunCpu;
      snapshot.cpuMs = done + (native === 0 ? 0 : last - start);
      snapshot.nativeThread = native;
      snapshot.cpuOffsetMs = start - done;
      return true;
    }
    return false;
  }
}
