/*
 * Waiting on words of shared memory. No wait is without a deadline: a thread that died notifies nobody, so whoever waits
 * looks again after `timeoutMs`. Spurious wake-ups are allowed; every caller loops.
 */

/** Blocks this thread until the word is no longer `expected`, is notified, or `timeoutMs` have passed. */
export function waitFor(words: Int32Array, index: number, expected: number, timeoutMs: number): void {
  Atomics.wait(words, index, expected, timeoutMs);
}

/**
 * The same without blocking. `Atomics.waitAsync` alone does not keep the process alive, so a timer does, as long as the
 * wait lasts.
 */
export async function waitAsyncFor(
  words: Int32Array,
  index: number,
  expected: number,
  timeoutMs: number,
): Promise<void> {
  const wait = Atomics.waitAsync(words, index, expected, timeoutMs);
  if (!wait.async) return;
  const alive = setTimeout(() => undefined, timeoutMs);
  try {
    await wait.value;
  } finally {
    clearTimeout(alive);
  }
}

const sleepWord = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread for `ms`, a little more at times. */
export function sleep(ms: number): void {
  Atomics.wait(sleepWord, 0, 0, ms);
}
