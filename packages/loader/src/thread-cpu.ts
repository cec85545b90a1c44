import { closeSync, openSync, readFileSync, readlinkSync, readSync } from "node:fs";

/*
 * Linux tells the CPU time of each thread in `/proc/<process>/task/<thread>/schedstat`: nanoseconds on a CPU, nanoseconds
 * of waiting for one, and turns (Documentation/scheduler/sched-stats.rst of the kernel). The number is that of the last
 * tick or switch of threads, up to some milliseconds old, unless the thread itself has asked for the usage of its process
 * just before: the kernel then brings the caller's own account up to date (`thread_group_cputime`).
 */

/** Bytes that three numbers take at most. */
const MAX_TEXT_BYTES = 64;
const ZERO = 0x30;
const NINE = 0x39;

/** The first number of such a file, in ms. */
function parseMs(text: Uint8Array): number {
  let nanoseconds = 0;
  for (const byte of text) {
    if (byte < ZERO || byte > NINE) break;
    nanoseconds = nanoseconds * 10 + byte - ZERO;
  }
  return nanoseconds / 1e6;
}

/** The CPU time of the thread that opened it. The end of a worker thread closes it. */
export class ThreadCpu {
  readonly #text = Buffer.alloc(MAX_TEXT_BYTES);

  private constructor(
    /** The system's number of the thread. */
    readonly thread: number,
    readonly fd: number,
  ) {}

  /** That of the calling thread; `undefined` where the system does not tell it. */
  static open(): ThreadCpu | undefined {
    if (process.platform !== "linux") return undefined;
    try {
      const thread = Number(/(\d+)$/u.exec(readlinkSync("/proc/thread-self"))?.[1]);
      return cpuMsOfThread(thread) === undefined
        ? undefined
        : new ThreadCpu(thread, openSync(`/proc/self/task/${thread}/schedstat`, "r"));
    } catch {
      return undefined;
    }
  }

  /** True if the system tells the CPU time of threads. */
  static isTold(): boolean {
    return cpuMsOfThread(process.pid) !== undefined;
  }

  /** Frees it. */
  close(): void {
    closeSync(this.fd);
  }

  /** Milliseconds on a CPU since the thread began, to the microsecond. Only the thread itself may ask. */
  now(): number {
    process.cpuUsage();
    this.#text.fill(0);
    readSync(this.fd, this.#text, 0, MAX_TEXT_BYTES, 0);
    return parseMs(this.#text);
  }
}

/**
 * CPU time of a thread of this process, in ms, up to some milliseconds old.
 * @param thread - The system's number of it.
 * @returns `undefined` if there is no such thread any more, or the system does not tell.
 */
export function cpuMsOfThread(thread: number): number | undefined {
  try {
    const ms = parseMs(readFileSync(`/proc/self/task/${thread}/schedstat`));
    // A kernel that does not keep this account says 0.
    return ms > 0 ? ms : undefined;
  } catch {
    return undefined;
  }
}
