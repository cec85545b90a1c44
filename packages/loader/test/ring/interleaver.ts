import { onTestFinished } from "vitest";

const WATCHED = ["load", "store", "add", "sub", "compareExchange"] as const;

/**
 * Forces interleavings in one thread: before any atomic operation of the code under test, another actor may run. What
 * runs there runs as a whole, unless something is let in between its own operations, too.
 */
export class Interleaver {
  /** Operations to let pass before each intrusion. */
  readonly #pauses: number[];
  #left: number;
  #depth = 0;

  constructor(
    pauses: readonly number[],
    readonly intrude: () => void,
  ) {
    this.#pauses = [...pauses];
    this.#left = this.#pauses.shift() ?? Infinity;
    for (const name of WATCHED) {
      const original = Atomics[name] as (...args: unknown[]) => unknown;
      Object.assign(Atomics, {
        [name]: (...args: unknown[]) => {
          this.#step();
          return original(...args);
        },
      });
      this.#restores.push(() => Object.assign(Atomics, { [name]: original }));
    }
    onTestFinished(() => this.remove());
  }

  readonly #restores: (() => void)[] = [];

  /** Leaves `Atomics` as it was. */
  remove(): void {
    for (const restore of this.#restores.splice(0)) restore();
  }

  #step(): void {
    if (this.#depth > 3 || this.#left-- > 0) return;
    this.#left = this.#pauses.shift() ?? Infinity;
    this.#depth++;
    this.intrude();
    this.#depth--;
  }
}
