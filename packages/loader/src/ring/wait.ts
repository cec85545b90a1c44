/*
 * Waiting on words of shared memory. No wait is without a deadline: a thread that died notifies nobody, so whoever waits
 * looks again after `timeoutMs`. Spurious wake-ups are allowed; every caller loops.
 */

/** Blocks this thread until the word is no longer `expected`, is notified, or `timeoutMs` have passed. */
export function waitFor(words: Int32Array, index: number, expected: number, timeoutMs: number): void {
  Atomics.wait(words, index, expected, timeoutMs);
}

/**
 * The same without blocking, for one thread that waits for one word at a time. One timer serves all waits, as a timer
 * of its own for each would cost more than the wait: it is the deadline, and keeps the process alive while a wait lasts,
 * which `Atomics.waitAsync` alone does not.
 */
export class AsyncWait {
  #timer: NodeJS.Timeout | undefined;
  #timeoutMs = 0;
  #index = 0;

  constructor(readonly words: Int32Array) {}

  /** Resolves once the word is no longer `expected`, is notified, or `timeoutMs` have passed. */
  async until(index: number, expected: number, timeoutMs: number): Promise<void> {
    const wait = Atomics.waitAsync(this.words, index, expected);
    if (!wait.async) return;
    this.#index = index;
    const timer = this.#arm(timeoutMs);
    await wait.value;
    timer.unref();
  }

  #arm(timeoutMs: number): NodeJS.Timeout {
    if (this.#timer !== undefined && this.#timeoutMs === timeoutMs) return this.#timer.refresh().ref();
    clearTimeout(this.#timer);
    this.#timeoutMs = timeoutMs;
    this.#timer = setTimeout(() => Atomics.notify(this.words, this.#index), timeoutMs);
    return this.#timer;
  }
}

const sleepWord = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread for `ms`, a little more at times. */
export function sleep(ms: number): void {
  Atomics.wait(sleepWord, 0, 0, ms);
}
