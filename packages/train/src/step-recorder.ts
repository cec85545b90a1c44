import { systemClock, type Clock } from "./clock.js";
import { StepLog } from "./step-log.js";
import type { Part } from "./time-budget.js";
import type { SpanLog } from "./trace/span-log.js";

/**
 * What the consumer is doing. `stall`: blocked on the ring. `copy`: the host is busy uploading. `compute`: it waits for
 * the device or runs its operations. `backgroundCopy`: a copy that the host does not wait for; it never owns time.
 */
export type SpanKind = "stall" | "copy" | "compute" | "backgroundCopy";

/**
 * What a loader says about the wait for one batch, in ms. Without the two parts the division is unknown, and it stays
 * so: it is never guessed.
 */
export interface StallReport {
  readonly stallMs: number;
  /** The part that storage caused. */
  readonly fetchStallMs?: number | undefined;
  /** The part that decode and transform caused. */
  readonly prepStallMs?: number | undefined;
}

/**
 * Divides the time of a training loop among its owners while it runs.
 *
 * ```
 * startStep  begin("stall") end  begin("copy") end  begin("compute") end  endStep  begin("stall") ...
 * |--other---|----stall-----|-o-|-----copy-----|-o-|-----compute-----|-o--|
 *                                                                         the next step begins here
 * ```
 *
 * Spans may overlap; then the time between two events belongs to the first of stall, copy, compute that is open, and
 * to `other` where none is. So the parts of a step add up to its wall time by construction. One event costs one reading
 * of the clock and a few additions; nothing is allocated. With a {@link SpanLog} the owners' times are also written
 * there one by one, for a trace.
 */
export class StepRecorder {
  /** The finished steps. */
  readonly log: StepLog;
  readonly #clock: Clock;
  readonly #spanLog: SpanLog | undefined;
  #last = 0;
  /** When the step that runs began, and the copy in the background. */
  #stepSince = 0;
  #backgroundSince = 0;
  #running = false;
  #spans = 0;
  #backwards = 0;
  #stalls = 0;
  #copies = 0;
  #computes = 0;
  #background = 0;
  #stallMs = 0;
  #copyMs = 0;
  #computeMs = 0;
  #otherMs = 0;
  #overlappedMs = 0;
  /** What the source said of this step's stall; NaN where it said nothing. */
  #saidStallMs = Number.NaN;
  #saidFetchMs = Number.NaN;
  #saidPrepMs = Number.NaN;

  /**
   * @param capacity - Steps whose times are kept one by one, the newest; sums are of all.
   * @param spanLog - Gets each step, and each interval of one owner in it.
   */
  constructor(clock: Clock = systemClock, capacity?: number, spanLog?: SpanLog) {
    this.#clock = clock;
    this.#spanLog = spanLog;
    this.log = new StepLog(capacity);
  }

  /** Spans recorded so far. */
  get spans(): number {
    return this.#spans;
  }

  /** How often the clock went backwards; such an interval counts as nothing. */
  get clockJumps(): number {
    return this.#backwards;
  }

  /** Begins the first step, or the first after a pause. What was open before stays open. */
  startStep(): void {
    this.#clear();
    this.#last = this.#clock.now();
    this.#stepSince = this.#last;
    this.#running = true;
  }

  /** Drops the step that runs: its time belongs to no step until the next {@link StepRecorder.startStep}. */
  pause(): void {
    this.#clear();
    this.#running = false;
  }

  /** From now on the consumer is doing `kind`. Every call needs its {@link StepRecorder.end}. */
  begin(kind: SpanKind): void {
    this.#settle();
    this.#spans++;
    this.#change(kind, 1);
  }

  /** The consumer has stopped doing `kind`. */
  end(kind: SpanKind): void {
    this.#settle();
    this.#change(kind, -1);
  }

  /**
   * What the source of batches says about the stall of this step. Its figure is the stall, if it is not more than what
   * was measured; the rest of the wait goes to `other`.
   */
  attributeStall(report: StallReport): void {
    this.#saidStallMs = report.stallMs;
    this.#saidFetchMs = report.fetchStallMs ?? Number.NaN;
    this.#saidPrepMs = report.prepStallMs ?? Number.NaN;
  }

  /** Ends the step, writes it to the log, and begins the next one at the same instant. */
  endStep(): void {
    if (!this.#running) return;
    this.#settle();
    let stallMs = this.#stallMs;
    let otherMs = this.#otherMs;
    let fetchMs = Number.NaN;
    let prepMs = Number.NaN;
    if (this.#saidStallMs >= 0) {
      stallMs = Math.min(this.#stallMs, this.#saidStallMs);
      otherMs += this.#stallMs - stallMs;
    }
    const said = this.#saidFetchMs + this.#saidPrepMs;
    if (said > 0) {
      // What is said may be off by a rounding; no part may be negative.
      fetchMs = Math.min(stallMs, Math.max(0, (stallMs * this.#saidFetchMs) / said));
      prepMs = stallMs - fetchMs;
      stallMs = fetchMs + prepMs;
    } else if (stallMs === 0) {
      fetchMs = 0;
      prepMs = 0;
    }
    this.#spanLog?.record("step", this.#stepSince, this.#last, this.log.count);
    this.log.push(stallMs, fetchMs, prepMs, this.#copyMs, this.#computeMs, otherMs, this.#overlappedMs, this.#last);
    this.#stepSince = this.#last;
    this.#clear();
  }

  #clear(): void {
    this.#stallMs = 0;
    this.#copyMs = 0;
    this.#computeMs = 0;
    this.#otherMs = 0;
    this.#overlappedMs = 0;
    this.#saidStallMs = Number.NaN;
    this.#saidFetchMs = Number.NaN;
    this.#saidPrepMs = Number.NaN;
  }

  /** Gives the time since the last event to its owner. */
  #settle(): void {
    const since = this.#last;
    const now = this.#clock.now();
    let ms = now - since;
    this.#last = now;
    if (!(ms >= 0)) {
      this.#backwards++;
      ms = 0;
    }
    let owner: Part = "other";
    if (this.#stalls > 0) {
      owner = "stall";
      this.#stallMs += ms;
    } else if (this.#copies > 0) {
      owner = "copy";
      this.#copyMs += ms;
    } else if (this.#computes > 0) {
      owner = "compute";
      this.#computeMs += ms;
    } else this.#otherMs += ms;
    if (this.#spanLog !== undefined && ms > 0 && this.#running) this.#spanLog.extend(owner, since, now);
    if (this.#background > 0 && this.#stalls + this.#copies + this.#computes > 0) this.#overlappedMs += ms;
  }

  #change(kind: SpanKind, by: 1 | -1): void {
    if (kind === "compute") this.#computes += by;
    else if (kind === "stall") this.#stalls += by;
    else if (kind === "copy") this.#copies += by;
    else {
      if (this.#background === 0) this.#backgroundSince = this.#last;
      this.#background += by;
      if (this.#background === 0) this.#spanLog?.record("backgroundCopy", this.#backgroundSince, this.#last);
    }
  }
}
