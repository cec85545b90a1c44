/** What an operation that may put its thread to sleep, or wake others, does to the threads. */
export interface Scheduler {
  /** The running thread is to sleep until the word at this place is notified, or a deadline passes. */
  sleep(place: number): void;
  /** Those that sleep at this place wake. */
  wake(place: number): void;
  /** True if the running thread's operation at this place makes no difference to any other thread, nor theirs to it. */
  isQuiet(place: number): boolean;
}

const PLAIN = ["load", "store", "add", "sub", "compareExchange"] as const;
const HALT = Symbol("halt");

/**
 * Runs code of one thread an atomic operation at a time: the code runs from its beginning each time, and the operations
 * that it has done already only give their results once more. So a call can be stopped between any two operations, and
 * go on in a copy of the world, which a generator could not.
 * The code must be a function of the results of its operations and of plain memory that nobody else changes meanwhile.
 */
export class Stepper {
  #results: number[] | undefined;
  #at = 0;
  #isPerformed = false;
  readonly #before: Int32Array;
  readonly #restores: (() => void)[] = [];

  /** @param words - All of the shared memory. */
  constructor(
    readonly words: Int32Array,
    readonly scheduler: Scheduler,
  ) {
    this.#before = new Int32Array(words.length);
    for (const name of PLAIN) this.#watch(name, Atomics[name] as (...args: unknown[]) => number);
    this.#watch("notify", (array, index) => {
      this.scheduler.wake(placeOf(array as Int32Array, index as number));
      return 0;
    });
    const { load } = Atomics;
    const sleep = (array: Int32Array, index: number, expected: number): number => {
      if (load(array, index) === expected) this.scheduler.sleep(placeOf(array, index));
      return 0;
    };
    this.#watch("wait", sleep as (...args: unknown[]) => number);
    this.#watch("waitAsync", sleep as (...args: unknown[]) => number, () => ({ async: false, value: "not-equal" }));
  }

  #watch(
    name: keyof Atomics,
    perform: (...args: unknown[]) => number,
    show = (result: number): unknown => result,
  ): void {
    const original = Atomics[name] as (...args: unknown[]) => unknown;
    const operation = (...args: unknown[]): unknown =>
      this.#results === undefined
        ? original(...args)
        : show(this.#operate(this.#results, placeOf(args[0] as Int32Array, args[1] as number), () => perform(...args)));
    Object.assign(Atomics, { [name]: operation });
    this.#restores.push(() => Object.assign(Atomics, { [name]: original }));
  }

  #operate(results: number[], place: number, perform: () => number): number {
    if (this.#at < results.length) return results[this.#at++] as number;
    if (this.#isPerformed && !this.scheduler.isQuiet(place)) throw HALT;
    // Whatever the code wrote to plain memory on its way here, it had written before.
    if (this.#at > 0 && !this.#isPerformed) this.words.set(this.#before);
    this.#isPerformed = true;
    this.#at++;
    const paused = this.#results;
    this.#results = undefined;
    const result = perform();
    this.#results = paused;
    results.push(result);
    return result;
  }

  /**
   * Does the next operation of `code`, and the quiet ones that follow.
   * @param results - Those of its operations so far; the new one is added.
   * @returns what `code` returns, or `undefined` if it is not at its end.
   */
  step<T>(code: () => T, results: number[]): { readonly value: T } | undefined {
    if (results.length > 0) this.#before.set(this.words);
    this.#results = results;
    this.#at = 0;
    this.#isPerformed = false;
    try {
      return { value: code() };
    } catch (error) {
      if (error !== HALT) throw error;
      return undefined;
    } finally {
      this.#results = undefined;
    }
  }

  /** Leaves `Atomics` as it was. */
  remove(): void {
    for (const restore of this.#restores.splice(0)) restore();
  }
}

function placeOf(words: Int32Array, index: number): number {
  return words.byteOffset / 4 + index;
}
