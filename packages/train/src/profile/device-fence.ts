import { isMillraceError } from "@millrace/formats";
import { isPromiseLike } from "../step-context.js";
import type { StepWatch } from "../step-watch.js";

/** How a run waits for its device; given up where that does not work from the start, as the run can do without. */
export class DeviceFence {
  /** Why there is none any more; `undefined` while it works, or if there was none. */
  problem: string | undefined;
  #fence: (() => unknown) | undefined;
  #hasWorked = false;

  constructor(
    fence: (() => unknown) | undefined,
    readonly watch: StepWatch,
    readonly signal: AbortSignal | undefined,
  ) {
    this.#fence = fence;
  }

  /** True if there is a fence that works, as far as one knows. */
  get isThere(): boolean {
    return this.#fence !== undefined;
  }

  /** Waits until the device is done. Rejects as {@link StepWatch.wait} does, and with what a fence throws that worked. */
  async wait(step: number): Promise<void> {
    try {
      const result = this.#fence?.();
      if (isPromiseLike(result)) await this.watch.wait(result, "fence", step);
      this.#hasWorked = true;
    } catch (error) {
      if (this.#hasWorked || isMillraceError(error) || this.signal?.aborted === true) throw error;
      this.problem = error instanceof Error ? error.message : String(error);
      this.#fence = undefined;
    }
  }
}
