import type { Clock } from "../clock.js";
import { isPromiseLike, type StepContext } from "../step-context.js";
import { stepError } from "../step-error.js";
import type { StepWatch } from "../step-watch.js";
import type { DeviceFence } from "./device-fence.js";

/** What a {@link StepCall} calls. */
export interface StepCallOptions<B> {
  readonly step: (batch: B, context: StepContext) => unknown;
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
    readonly fence: DeviceFence,
    readonly watch: StepWatch,
    readonly clock: Clock,
  ) {}

  /** One step, until the device is done. Rejects as {@link StepWatch.wait} and {@link stepError} say. */
  async run(batch: B, context: StepContext): Promise<void> {
    const { options, watch, fence } = this;
    try {
      const result = options.step(batch, context);
      if (isPromiseLike(result)) await watch.wait(result, "step", context.step);
      if (fence.isThere) await this.#wait(context.step);
    } catch (error) {
      throw stepError(error, context.step, options.signal);
    }
  }

  async #wait(step: number): Promise<void> {
    const start = this.clock.now();
    await this.fence.wait(step);
    this.fenceWaitMs += this.clock.now() - start;
    this.fences++;
  }
}
