import { createEffort, type Effort } from "../ring/effort.js";
import type { ThreadCpu } from "../thread-cpu.js";
import type { Injector } from "./injector.js";

/** A worker says what CPU time it has taken this often, as telling it takes some microseconds. */
const CPU_EVERY_MS = 50;

/** What {@link EffortReport} needs to know. */
export interface EffortReportOptions {
  readonly effort: Effort;
  readonly injector: Injector;
  /** Bytes that its values were read by. */
  readonly table: { readonly bytesAsked: number };
  /** CPU time of this thread; `undefined` where it is not known. */
  readonly threadCpu: ThreadCpu | undefined;
}

/** Publishes what the work of a worker takes, its predecessors' included. */
export class EffortReport {
  readonly #totals = createEffort();
  readonly #before = createEffort();
  readonly #bytesBefore: number;
  /** Of the thread while its CPU time counts. */
  #threadCpu: ThreadCpu | undefined;
  #cpuAt = 0;

  constructor(readonly options: EffortReportOptions) {
    options.effort.read(this.#before);
    this.#bytesBefore = options.table.bytesAsked;
  }

  /** This thread works for the worker only from now on, and its CPU time counts. */
  begin(): void {
    const { effort, threadCpu } = this.options;
    this.#threadCpu = threadCpu;
    if (threadCpu !== undefined) effort.begin(threadCpu.thread, threadCpu.now());
  }

  /** What the work took until now; to be called every now and then. */
  publish(now: number): void {
    const { effort, injector, table } = this.options;
    const totals = this.#totals;
    const before = this.#before;
    const { spent } = injector;
    totals.readBytes = before.readBytes + table.bytesAsked - this.#bytesBefore;
    totals.injectedFetchMs = before.injectedFetchMs + spent.fetchMs;
    totals.injectedPrepMs = before.injectedPrepMs + spent.prepMs;
    totals.injectedPrepCpuMs = before.injectedPrepCpuMs + spent.prepCpuMs;
    effort.publish(totals);
    if (this.#threadCpu === undefined || now - this.#cpuAt < CPU_EVERY_MS) return;
    this.#cpuAt = now;
    effort.publishCpu(this.#threadCpu.now());
  }

  /** This thread ends its work for the worker. */
  end(): void {
    const { effort } = this.options;
    if (this.#threadCpu === undefined) return;
    effort.publishCpu(this.#threadCpu.now());
    effort.end();
    this.#threadCpu = undefined;
  }
}
