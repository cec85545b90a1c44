import { setImmediate as nextTurn } from "node:timers/promises";
import { BackendError, OptionError, WorkerError, type MillraceError } from "@millrace/formats";

/** How often a loop that never waits lets timers, signals and other input have their turn, in ms. */
const TURN_MS = 50;
/** The longest delay that a timer takes. */
const LONGEST_MS = 2 ** 31 - 1;

/** What a {@link StepWatch} waits for; it decides the text of the error. */
export type Awaited = "batch" | "step" | "fence";

/**
 * Waits for the promises of a training loop, one at a time, with a deadline and a signal. One timer serves the whole
 * run, so that a wait costs no timer of its own. Deadlines are of the real time, whatever clock the run has. Dispose it
 * at the end.
 */
export class StepWatch implements Disposable {
  readonly #deadlineMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort = (): void => this.#reject?.(this.#signal?.reason);
  #reject: ((reason: unknown) => void) | undefined;
  #what: Awaited = "batch";
  #step = 0;
  #since = 0;
  #turned: number = performance.now();

  /** @throws {@link OptionError} if the deadline is no positive number. */
  constructor(deadlineMs: number, signal?: AbortSignal) {
    if (!(deadlineMs > 0)) {
      throw new OptionError({
        option: "deadlineMs",
        problem: "is no time to wait",
        expected: "a positive number of milliseconds",
        found: String(deadlineMs),
      });
    }
    this.#deadlineMs = Math.min(deadlineMs, LONGEST_MS);
    this.#signal = signal;
    signal?.throwIfAborted();
    signal?.addEventListener("abort", this.#onAbort);
    this.#timer = setInterval(() => this.#look(), Math.max(5, Math.min(1000, this.#deadlineMs / 4)));
  }

  /**
   * Resolves as `promise` does.
   * @throws the signal's reason when it aborts; {@link WorkerError} if no batch, {@link BackendError} if no step or
   * fence came within the deadline.
   */
  wait<T>(promise: PromiseLike<T>, what: Awaited, step: number): Promise<T> {
    this.#what = what;
    this.#step = step;
    this.#since = performance.now();
    if (this.#signal?.aborted === true) {
      promise.then(undefined, () => undefined);
      return Promise.reject(this.#signal.reason as Error);
    }
    return new Promise<T>((resolve, reject) => {
      this.#reject = reject;
      promise.then(
        (value) => {
          this.#reject = undefined;
          return resolve(value);
        },
        (error: unknown) => {
          this.#reject = undefined;
          return reject(error);
        },
      );
    });
  }

  /**
   * Between two steps: throws the signal's reason if it aborted; returns a promise to await if other input of the
   * process should have its turn now, which rejects with the reason if the signal aborts in that turn.
   */
  between(): Promise<void> | undefined {
    this.#signal?.throwIfAborted();
    const now = performance.now();
    if (now - this.#turned < TURN_MS) return undefined;
    this.#turned = now;
    return this.#turn();
  }

  async #turn(): Promise<void> {
    await nextTurn();
    this.#signal?.throwIfAborted();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#reject = undefined;
  }

  #look(): void {
    if (this.#reject === undefined || performance.now() - this.#since < this.#deadlineMs) return;
    this.#reject(overdue(this.#what, this.#step, this.#deadlineMs));
    this.#reject = undefined;
  }
}

/** The reason of the error for a step that did not finish in time. */
export const STEP_OVERDUE = "STEP_OVERDUE";

function overdue(what: Awaited, step: number, deadlineMs: number): MillraceError {
  const expected = `within ${deadlineMs} ms`;
  const found = "nothing";
  if (what === "batch") {
    return new WorkerError({
      problem: `the loader gave no batch for step ${step}`,
      expected,
      found,
      fix: "look at what the loader waits for, or raise deadlineMs",
    });
  }
  return new BackendError({
    reason: what === "step" ? STEP_OVERDUE : "DEVICE_OVERDUE",
    problem: what === "step" ? `step ${step} did not finish` : `the device did not finish step ${step}`,
    expected,
    found,
    fix: "look for a promise in the step that never resolves, or raise deadlineMs",
  });
}
