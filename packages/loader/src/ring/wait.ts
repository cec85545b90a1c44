/*
 * Waiting on words of shared memory. No wait is without a deadline: a thread that died notifies nobody, so whoever waits
 * looks again after `timeoutMs`. Spurious wake-ups are allowed; every caller loops.
 */

/** Blocks this thread until the word is no longer `expected`, is notified, or `timeoutMs` have passed. */
export function waitFor(words: Int32Array, index: number, expected: number, timeoutMs: number): void {
  Atomics.wait(words, index, expected, timeoutMs);
}

const NO_WAIT = Promise.resolve();

/**
 * The same without blocking, for one thread that waits for one word at a time. One timer serves all waits, as arming one
 * for each would cost as much as the wait: it ticks while there are waits and wakes whoever waits then, so a wait ends
 * after `timeoutMs` at the latest, and sooner at times. It keeps the process alive, which `Atomics.waitAsync` does not.
 */
export class AsyncWait {
  #timer: NodeJS.Timeout | undefined;
  #timeoutMs = 0;
  #words: Int32Array | undefined;
  #index = 0;
  /** Waits so far that were for something. */
  count = 0;
  readonly #end = (): void => {
    this.#words = undefined;
  };

  /**
   * Resolves once the word is no longer `expected`, is notified, or `timeoutMs` have passed. It is no async function, as
   * whoever has just slept runs with cold caches, where each of those between costs microseconds.
   */
  until(words: Int32Array, index: number, expected: number, timeoutMs: number): Promise<void> {
    const wait = Atomics.waitAsync(words, index, expected);
    if (!wait.async) return NO_WAIT;
    this.count++;
    this.#words = words;
    this.#index = index;
    if (this.#timer === undefined || this.#timeoutMs !== timeoutMs) this.#arm(timeoutMs);
    return wait.value.then(this.#end);
  }

  /** Lets the process end, unless somebody waits. */
  rest(): void {
    if (this.#words !== undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #arm(timeoutMs: number): void {
    clearInterval(this.#timer);
    this.#timeoutMs = timeoutMs;
    this.#timer = setInterval(() => {
      if (this.#words === undefined) this.rest();
      else Atomics.notify(this.#words, this.#index);
    }, timeoutMs);
  }
}

const sleepWord = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread for `ms`, a little more at times. */
export function sleep(ms: number): void {
  Atomics.wait(sleepWord, 0, 0, ms);
}
