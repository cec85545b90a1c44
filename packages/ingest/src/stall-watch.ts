/** Calls `onStall` once if `touch` was not called for `limitMs`. */
export class StallWatch {
  readonly #timer: NodeJS.Timeout;

  constructor(limitMs: number, onStall: () => void) {
    this.#timer = setTimeout(onStall, limitMs).unref();
  }

  /** Something moved. */
  touch(): void {
    this.#timer.refresh();
  }

  /** Ends the watch. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
