import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { setImmediate as nextTurn } from "node:timers/promises";
import { systemClock, type Clock } from "../clock.js";
import type { SpanLog } from "../trace/span-log.js";
import { LoaderSpans } from "../trace/loader-spans.js";
import { EventLoopMeter, type EventLoopReport } from "./causes-event-loop.js";
import { GcMeter, type GcReport } from "./causes-gc.js";
import type { Incidents } from "./causes-stragglers.js";
import { readLoaderCounters, workersBetween, type LoaderCounters, type WorkersReport } from "./causes-workers.js";

/** What else went on in the process while the steps were measured: causes that the budget does not name. */
export interface CausesReport {
  readonly gc: GcReport;
  readonly eventLoop: EventLoopReport;
  /** `undefined` where batches do not come from the worker threads of a loader. */
  readonly workers: WorkersReport | undefined;
}

/** What a {@link CauseMeter} found. */
export interface FoundCauses {
  /** `undefined` on a clock that is not the process's: what the process did cannot be told in its time. */
  readonly report: CausesReport | undefined;
  /** What can have made single steps slow. */
  readonly incidents: Incidents;
}

/** Deaths that are remembered. */
const MAX_DEATHS = 1000;
const DEATHS = "millrace:loader:worker";

/** Watches the process while steps are measured. Dispose of it at the end, however the run ends. */
export class CauseMeter implements Disposable {
  readonly #gc: GcMeter | undefined;
  readonly #eventLoop: EventLoopMeter | undefined;
  readonly #before: LoaderCounters | undefined;
  readonly #deaths: number[] = [];
  readonly #loaderSpans: LoaderSpans | undefined;
  #isOver = false;

  /**
   * @param loader - Any source of batches; the workers of one that has `stats()` as millrace's loader are watched.
   * @param spans - Is emptied, and gets pauses, batches and what the workers did.
   */
  constructor(
    readonly loader: unknown,
    readonly clock: Clock,
    spans?: SpanLog,
  ) {
    this.#before = readLoaderCounters(loader);
    spans?.clear();
    if (spans !== undefined) this.#loaderSpans = new LoaderSpans(loader, clock, spans);
    subscribe(DEATHS, this.#onDeath);
    if (clock !== systemClock) return;
    this.#gc = new GcMeter(spans);
    this.#eventLoop = new EventLoopMeter();
  }

  /** Ends the watch and tells what it saw. */
  async stop(): Promise<FoundCauses> {
    const gc = this.#gc;
    const eventLoop = this.#eventLoop;
    // The pauses of the last steps, and their block of the event loop, are told of within two turns.
    if (gc !== undefined) for (let turn = 0; turn < 2; turn++) await nextTurn();
    const after = readLoaderCounters(this.loader);
    this[Symbol.dispose]();
    const workers = this.#before === undefined || after === undefined ? undefined : workersBetween(this.#before, after);
    return {
      report:
        gc === undefined || eventLoop === undefined
          ? undefined
          : { gc: gc.report, eventLoop: eventLoop.report, workers },
      incidents: { pauses: gc?.pauses() ?? [], deaths: this.#deaths },
    };
  }

  [Symbol.dispose](): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#gc?.stop();
    this.#eventLoop?.stop();
    this.#loaderSpans?.[Symbol.dispose]();
    unsubscribe(DEATHS, this.#onDeath);
  }

  readonly #onDeath = (): void => {
    if (this.#deaths.length < MAX_DEATHS) this.#deaths.push(this.clock.now());
  };
}
