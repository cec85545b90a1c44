import { OptionError } from "@millrace/formats";
import { systemClock, type Clock } from "../clock.js";
import type { Fact, ProfileReport, Warning } from "../report/report.js";
import { runReport } from "../report/run-report.js";
import { isPromiseLike, recordCopy, type StepContext } from "../step-context.js";
import { stepError } from "../step-error.js";
import { StepRecorder } from "../step-recorder.js";
import { StepWatch } from "../step-watch.js";
import type { SpanLog } from "../trace/span-log.js";
import { BatchSource } from "./batch-source.js";
import { CauseMeter, type FoundCauses } from "./causes.js";
import { measureIdleFenceMs, measureSpanNs } from "./measuring-cost.js";

/** How to profile a training loop. */
export interface ProfileOptions<B> {
  /**
   * Where batches come from: a loader of millrace, or any iterable. If it ends before the steps are done it is begun
   * again, as a training run would begin the next epoch; a generator, which cannot be begun again, ends the profile.
   */
  readonly loader: AsyncIterable<B> | Iterable<B>;
  /** One training step. All its time counts as compute, but for what it runs in `context.copy`. */
  readonly step: (batch: B, context: StepContext) => unknown;
  /** Steps to measure. Default 200. */
  readonly steps?: number | undefined;
  /** Steps to run before, which are not measured: compilation, the filling of the ring. Default 10. */
  readonly warmupSteps?: number | undefined;
  /**
   * Returns, or returns a promise that resolves, when the device has done what was submitted: `() => backend.fence()`.
   * Called after every step.
   */
  readonly fence?: (() => unknown) | undefined;
  /** Samples in a batch, where batches have no `size`. */
  readonly samplesPerBatch?: number | undefined;
  /** How long a batch, a step or a fence may take, in ms. Default 300,000. */
  readonly deadlineMs?: number | undefined;
  /** Lines about the run that the report shows. */
  readonly facts?: readonly Fact[] | undefined;
  readonly clock?: Clock | undefined;
  /** Gets the spans of the measured steps, for {@link reportToTrace}. */
  readonly spans?: SpanLog | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a training loop and says where its time went, what limits it, and what to change.
 *
 * ```ts
 * const report = await profile({ loader, step, fence: () => backend.fence() });
 * console.log(formatReport(report));
 * ```
 * @throws {@link OptionError} if an option is impossible, or the loader yields nothing or ends while warming up;
 * {@link BackendError} if the step throws (its `cause`) or takes longer than `deadlineMs`; {@link WorkerError} if a
 * batch does; an error of the loader as it is; the signal's reason when it aborts.
 */
export async function profile<B>(options: ProfileOptions<B>): Promise<ProfileReport> {
  const steps = wholeNumber("steps", options.steps ?? 200, 1);
  const warmupSteps = wholeNumber("warmupSteps", options.warmupSteps ?? 10, 0);
  const run = new ProfileRun(options, steps, warmupSteps);
  using watch = new StepWatch(options.deadlineMs ?? 300_000, options.signal);
  return await run.run(watch);
}

function wholeNumber(option: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new OptionError({
    option,
    problem: "is impossible",
    expected: `a whole number from ${least}`,
    found: String(value),
  });
}

/** One profile; {@link StepRecorder} has the accounting. */
class ProfileRun<B> {
  readonly #clock: Clock;
  #recorder: StepRecorder;
  #causes: CauseMeter | undefined;
  #found: FoundCauses | undefined;
  #isWarm = false;
  #fences = 0;
  #fenceWaitMs = 0;
  #idleFenceMs: number | undefined;
  #samples = 0;

  constructor(
    readonly options: ProfileOptions<B>,
    readonly steps: number,
    readonly warmupSteps: number,
  ) {
    this.#clock = options.clock ?? systemClock;
    this.#recorder = new StepRecorder(this.#clock);
  }

  async run(watch: StepWatch): Promise<ProfileReport> {
    const spanNs = measureSpanNs(this.options.spans !== undefined);
    const source = new BatchSource(this.options.loader);
    try {
      this.#recorder.startStep();
      for (let step = -this.warmupSteps; step < this.steps; step++) {
        if (step === 0) await this.#begin(watch);
        if (!(await this.#step(step, source, watch))) break;
      }
      this.#found = await this.#causes?.stop();
    } finally {
      this.#causes?.[Symbol.dispose]();
      await source.close();
    }
    this.#checkMeasured(source);
    return this.#report(source, spanNs);
  }

  /** Forgets the warm-up. */
  async #begin(watch: StepWatch): Promise<void> {
    const { fence } = this.options;
    if (fence !== undefined) this.#idleFenceMs = await watch.wait(measureIdleFenceMs(fence, this.#clock), "fence", 0);
    const { loader, spans } = this.options;
    this.#causes = new CauseMeter(loader, this.#clock, spans);
    this.#recorder = new StepRecorder(this.#clock, undefined, spans);
    this.#isWarm = true;
    this.#fences = 0;
    this.#fenceWaitMs = 0;
    this.#samples = 0;
    this.#recorder.startStep();
  }

  /** False if there is no batch left. */
  async #step(step: number, source: BatchSource<B>, watch: StepWatch): Promise<boolean> {
    const recorder = this.#recorder;
    const turn = watch.between();
    if (turn !== undefined) await turn;
    recorder.begin("stall");
    const next = await source.next(watch, step);
    recorder.end("stall");
    if (next === undefined) return false;
    if (next.stall !== undefined) recorder.attributeStall(next.stall);
    recorder.begin("compute");
    try {
      const result = this.options.step(next.batch, { step, copy: (work) => recordCopy(recorder, work) });
      if (isPromiseLike(result)) await watch.wait(result, "step", step);
      await this.#fence(watch, step);
    } catch (error) {
      throw stepError(error, step, this.options.signal);
    }
    recorder.end("compute");
    recorder.endStep();
    this.#samples += this.options.samplesPerBatch ?? next.size ?? Number.NaN;
    return true;
  }

  async #fence(watch: StepWatch, step: number): Promise<void> {
    const { fence } = this.options;
    if (fence === undefined) return;
    const start = this.#clock.now();
    const result = fence();
    if (isPromiseLike(result)) await watch.wait(result, "fence", step);
    this.#fenceWaitMs += this.#clock.now() - start;
    this.#fences++;
  }

  #checkMeasured(source: BatchSource<B>): void {
    if (this.#isWarm && this.#recorder.log.count > 0) return;
    const { batches } = source;
    throw new OptionError({
      option: "loader",
      problem: batches === 0 ? "yields no batch" : `ended after ${batches} batches, while warming up`,
      fix:
        batches === 0
          ? "give an iterable that has not been consumed"
          : `set warmupSteps below ${batches}, or give an iterable that can be begun again`,
    });
  }

  #report(source: BatchSource<B>, spanNs: number): ProfileReport {
    const measured = {
      recorder: this.#recorder,
      samples: this.#samples,
      facts: this.options.facts ?? [],
      spanNs,
      fences: this.#fences,
      fenceWaitMs: this.#fenceWaitMs,
      idleFenceMs: this.#idleFenceMs,
      startupSteps: 0,
      found: this.#found,
    };
    return {
      ...runReport(measured, this.#warnings(source)),
      kind: "profile",
      requestedSteps: this.steps,
      warmupSteps: this.warmupSteps,
      passes: source.passes,
    };
  }

  #warnings(source: BatchSource<B>): Warning[] {
    const warnings: Warning[] = [];
    const measured = this.#recorder.log.count;
    if (this.options.fence === undefined) {
      warnings.push({
        code: "no-fence",
        text: "No fence was given. If the device works in the background, its time counts only while the step waits for it.",
      });
    }
    if (measured < this.steps) {
      warnings.push({
        code: "ended-early",
        text: `The iterable ended after ${measured} of ${this.steps} measured steps and cannot be begun again.`,
      });
    }
    if (source.passes > 1) {
      warnings.push({
        code: "passes",
        text: `The loader was begun ${source.passes} times to get the steps; the start of each pass is in the figures.`,
      });
    }
    return warnings;
  }
}
