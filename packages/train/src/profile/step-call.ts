import type { Clock } from "../clock.js";
import { isPromiseLike, type StepContext } from "../step-context.js";
import { stepError } from "../step-error.js";
import type { StepWatch } from "../step-watch.js";

/** How a step is called: {@link ProfileOptions} has these. */
export interface StepCallOptions<B> {
  readonly step: (batch: B, context: StepContext) => unknown;
  readonly fence?: (() => unknown) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Calls the step of a profile and waits for the device, with a deadline. */
export class StepCall<B> {
  /** Fences waited for. */
  fences = 0;
  /** Time waited in them. */
  fenceWaitMs = 0;

  constructor(
    readonly options: StepCallOptions<B>,
    readonly watch: StepWatch,
    readonly clock: Clock,
  ) {}

  /** One step, until the device is done. Rejects as {@link StepWatch.wait} and {@link stepError} say. */
  async run(batch: B, context: StepContext): Promise<void> {
    const { options, watch } = this;
    try {
      const result = options.step(batch, context);
      if (isPromiseLike(result)) await watch.wait(result, "step", context.step);
      if (options.fence !== undefined) await this.#fence(options.fence, context.step);
    } catch (error) {
      throw stepError(error, context.step, options.signal);
    }
  }

  async #fence(fence: () => unknown, step: number): Promise<void> {
    const start = this.clock.now();
    const result = fence();
    if (isPromiseLike(result)) await this.watch.wait(result, "fence", step);
    this.fenceWaitMs += this.clock.now() - start;
    this.fences++;
  }
}
