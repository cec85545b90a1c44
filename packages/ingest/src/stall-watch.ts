/** Calls `onStall` once if `touch` was not called for as long as its last call allowed. */
export class StallWatch {
  #timer: NodeJS.Timeout;
  #limitMs: number;

  constructor(
    limitMs: number,
    readonly onStall: (limitMs: number) => void,
  ) {
    this.#limitMs = limitMs;
    this.#timer = this.#start();
  }

  /** Something moved; the next sign may take `limitMs`. */
  touch(limitMs: number): void {
    if (limitMs === this.#limitMs) {
      this.#timer.refresh();
      return;
    }
    clearTimeout(this.#timer);
    this.#limitMs = limitMs;
    this.#timer = this.#start();
  }

  /** Ends the watch. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #start(): NodeJS.Timeout {
    return setTimeout(() => this.onStall(this.#limitMs), this.#limitMs).unref();
  }
}
