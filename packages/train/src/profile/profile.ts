import { OptionError } from "@millrace/formats";
import { changeModel } from "@millrace/loader";
import { systemClock, type Clock } from "../clock.js";
import type { Fact, FailureReport, ProfileReport } from "../report/report.js";
import { runReport } from "../report/run-report.js";
import { recordCopy, type StepContext } from "../step-context.js";
import { StepRecorder } from "../step-recorder.js";
import { StepWatch } from "../step-watch.js";
import type { SpanLog } from "../trace/span-log.js";
import { advise } from "./advice.js";
import { BatchSource } from "./batch-source.js";
import { calibrationOf } from "./calibration.js";
import { DeviceFence } from "./device-fence.js";
import { CauseMeter, type FoundCauses } from "./causes.js";
import { checkIterable } from "./check-iterable.js";
import { failureReport } from "./failure.js";
import { RunHistory, type HistoryOptions } from "./history.js";
import { measureIdleFenceMs, measureSpanNs } from "./measuring-cost.js";
import { countsOf, workerMs, type Counts } from "./phases/drain.js";
import { HeldBatch } from "./phases/held-batch.js";
import { asMeasurable } from "./phases/measurable-loader.js";
import { measurePhases } from "./phases/measure-phases.js";
import type { PhaseName } from "./phases/phase-context.js";
import { phaseSettings, type PhaseOptions, type PhaseSettings } from "./phases/phase-options.js";
import { whatIf } from "./pipeline-model.js";
import { profileWarnings } from "./profile-warnings.js";
import { StepCall } from "./step-call.js";
import { wholeNumber } from "./whole-number.js";

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
  /**
   * Samples in a batch. Default: what each batch says, by the first number of its `shape`, as tensors have, else by its
   * `size`.
   */
  readonly samplesPerBatch?: number | undefined;
  /** How long a batch, a step or a fence may take, in ms. Default 300,000. */
  readonly deadlineMs?: number | undefined;
  /**
   * What becomes of a run that fails, as when a step throws or never resolves. `throw`, the default: `profile` throws the
   * error. `report`: it gives the report of the steps that were measured, which has the error as `failure`; there are no
   * phases, and no verdict that these steps do not carry. An abort by the signal is thrown all the same.
   */
  readonly onFailure?: "throw" | "report" | undefined;
  /**
   * Whether the step and the input are measured one by one as well, after the run: the step on a batch that is there, the
   * loader on data in memory and on cold data, other iterables without a step. Default true. The step is called up to
   * 200 times more, for 2 seconds, on one batch of the run.
   */
  readonly phases?: boolean | PhaseOptions<B> | undefined;
  /** Told how far it is. */
  readonly onProgress?: ((progress: ProfileProgress) => void) | undefined;
  /** A file that the run is written into; earlier runs of it are facts of the report, named `before`. */
  readonly history?: HistoryOptions | undefined;
  /** Lines about the run that the report shows. */
  readonly facts?: readonly Fact[] | undefined;
  readonly clock?: Clock | undefined;
  /** Gets the spans of the measured steps, for {@link reportToTrace}. */
  readonly spans?: SpanLog | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How far a profile is. */
export interface ProfileProgress {
  /** `run`: the steps, warm-up included; then the phases one after the other. */
  readonly stage: "run" | PhaseName;
  /** Steps of the run that are done. */
  readonly steps: number;
  /** Steps of the run in all. */
  readonly totalSteps: number;
}

/**
 * Runs a training loop and says where its time went, what limits it, and what to change.
 *
 * ```ts
 * const report = await profile({ loader, step, fence: () => backend.fence() });
 * console.log(formatReport(report));
 * ```
 * @throws {@link OptionError} if an option is impossible, or the loader is no iterable, yields nothing or ends while
 * warming up; {@link BackendError} if the step throws (its `cause`) or takes longer than `deadlineMs`;
 * {@link WorkerError} if a batch does; an error of the loader as it is; the signal's reason when it aborts; before the
 * run {@link StateError} if the history is broken, {@link FileError} if it cannot be written. With `onFailure: "report"`
 * what goes wrong in the run is in the report; what goes wrong in a phase is always in its note.
 */
export async function profile<B>(options: ProfileOptions<B>): Promise<ProfileReport> {
  const steps = wholeNumber("steps", options.steps ?? 200, 1);
  const warmupSteps = wholeNumber("warmupSteps", options.warmupSteps ?? 10, 0);
  if (options.samplesPerBatch !== undefined) wholeNumber("samplesPerBatch", options.samplesPerBatch, 1);
  checkIterable(options.loader);
  const phases = phaseSettings<B>(options.phases ?? true);
  const history = options.history === undefined ? undefined : await RunHistory.read(options.history);
  using watch = new StepWatch(options.deadlineMs ?? 300_000, options.signal);
  const report = await new ProfileRun(options, steps, warmupSteps, phases, watch).run();
  if (history === undefined) return report;
  return await history.finish(report, asMeasurable(options.loader)?.facts() ?? {});
}

/** One profile; {@link StepRecorder} has the accounting. */
class ProfileRun<B> {
  readonly #clock: Clock;
  #recorder: StepRecorder;
  #causes: CauseMeter | undefined;
  #found: FoundCauses | undefined;
  readonly #fence: DeviceFence;
  #call: StepCall<B>;
  readonly #held: HeldBatch<B>;
  #isWarm = false;
  #failure: FailureReport | undefined;
  #idleFenceMs: number | undefined;
  #samples = 0;
  /** What was counted when the warm-up was over, and at the end. */
  #before: Counts | undefined;
  #after: Counts | undefined;

  constructor(
    readonly options: ProfileOptions<B>,
    readonly steps: number,
    readonly warmupSteps: number,
    readonly phases: PhaseSettings<B> | undefined,
    readonly watch: StepWatch,
  ) {
    this.#clock = options.clock ?? systemClock;
    this.#recorder = new StepRecorder(this.#clock);
    this.#fence = new DeviceFence(options.fence, watch, options.signal);
    this.#call = this.#newCall();
    this.#held = new HeldBatch(phases?.copyBatch);
  }

  async run(): Promise<ProfileReport> {
    const spanNs = measureSpanNs(this.options.spans !== undefined);
    const source = new BatchSource(this.options.loader);
    try {
      await this.#runSteps(source);
      this.#after = this.#counts();
      this.#found = await this.#causes?.stop();
    } finally {
      this.#causes?.[Symbol.dispose]();
      await source.close();
    }
    const report = this.#report(source, spanNs);
    if (this.phases === undefined || this.#failure !== undefined) return report;
    return await this.#withPhases(report, this.phases);
  }

  async #runSteps(source: BatchSource<B>): Promise<void> {
    let step = -this.warmupSteps;
    try {
      this.#recorder.startStep();
      for (; step < this.steps; step++) {
        if (step === 0) await this.#begin();
        if (!(await this.#step(step, source))) break;
        this.#tell("run", step + this.warmupSteps + 1);
      }
      this.#checkMeasured(source);
    } catch (error) {
      const { onFailure, signal } = this.options;
      if (onFailure !== "report" || signal?.aborted === true) throw error;
      this.#failure = failureReport(error, step);
    }
    // What was recorded is the warm-up.
    if (!this.#isWarm) this.#recorder = new StepRecorder(this.#clock);
  }

  #counts(): Counts | undefined {
    const loader = asMeasurable(this.options.loader);
    return loader === undefined || this.phases === undefined ? undefined : countsOf(loader, this.phases);
  }

  #newCall(): StepCall<B> {
    return new StepCall(this.options, this.#fence, this.watch, this.#clock);
  }

  #tell(stage: ProfileProgress["stage"], steps: number): void {
    this.options.onProgress?.({ stage, steps, totalSteps: this.steps + this.warmupSteps });
  }

  /** Adds what the step and the input do one by one. */
  async #withPhases(report: ProfileReport, settings: PhaseSettings<B>): Promise<ProfileReport> {
    const { options, watch, steps } = this;
    const { samplesPerSec } = report.throughput;
    if (samplesPerSec === undefined) {
      const text =
        "The step and the input were not measured one by one: batches do not say how many samples they hold. Set samplesPerBatch.";
      return { ...report, warnings: [...report.warnings, { code: "no-phases", text }] };
    }
    const done = steps + this.warmupSteps;
    const { phases, model, verdict, data, warnings } = await measurePhases(
      {
        source: options.loader,
        loader: asMeasurable(options.loader),
        worker: this.#before && this.#after && workerMs(this.#before, this.#after),
        held: this.#held,
        call: this.#newCall(),
        nextStep: steps,
        samplesPerSec,
        verdict: report.verdict,
        scaling: settings.scaling,
      },
      {
        ...settings,
        watch,
        clock: this.#clock,
        samplesPerBatch: options.samplesPerBatch,
        signal: options.signal,
        onPhase: (phase) => this.#tell(phase, done),
      },
    );
    const common = { ...report, phases, warnings: [...report.warnings, ...warnings] };
    if (model === undefined) return { ...common, advice: advise(report.budget, report.verdict, undefined) };
    const calibration = calibrationOf(model, samplesPerSec, verdict);
    const rows = whatIf(changeModel(model, calibration), data);
    return { ...common, verdict, model, calibration, whatIf: rows, advice: advise(report.budget, verdict, rows) };
  }

  /** Forgets the warm-up. */
  async #begin(): Promise<void> {
    const fence = (): Promise<void> => this.#fence.wait(0);
    await fence();
    if (this.#fence.isThere) this.#idleFenceMs = await measureIdleFenceMs(fence, this.#clock);
    const { loader, spans } = this.options;
    this.#causes = new CauseMeter(loader, this.#clock, spans);
    this.#recorder = new StepRecorder(this.#clock, undefined, spans);
    this.#call = this.#newCall();
    this.#before = this.#counts();
    this.#isWarm = true;
    this.#samples = 0;
    this.#recorder.startStep();
  }

  /** False if there is no batch left. */
  async #step(step: number, source: BatchSource<B>): Promise<boolean> {
    const recorder = this.#recorder;
    const turn = this.watch.between();
    if (turn !== undefined) await turn;
    recorder.begin("stall");
    const next = await source.next(this.watch, step);
    recorder.end("stall");
    if (next === undefined) return false;
    if (next.stall !== undefined) recorder.attributeStall(next.stall);
    const { warmupSteps, phases } = this;
    if (phases !== undefined && step < 0 && step === -warmupSteps) this.#held.hold(next.batch);
    recorder.begin("compute");
    await this.#call.run(next.batch, { step, copy: (work) => recordCopy(recorder, work) });
    recorder.end("compute");
    recorder.endStep();
    this.#samples += this.options.samplesPerBatch ?? next.size ?? Number.NaN;
    // Without a warm-up the copy is made when the measuring is over, while the batch is still there.
    if (phases !== undefined && warmupSteps === 0 && step === this.steps - 1) this.#held.hold(next.batch);
    return true;
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
      samples: this.#isWarm ? this.#samples : 0,
      facts: this.options.facts ?? [],
      spanNs,
      fences: this.#call.fences,
      fenceWaitMs: this.#call.fenceWaitMs,
      idleFenceMs: this.#idleFenceMs,
      startupSteps: 0,
      found: this.#found,
    };
    const warnings = profileWarnings({
      fence: this.#fence,
      failure: this.#failure,
      measuredSteps: this.#recorder.log.count,
      requestedSteps: this.steps,
      passes: source.passes,
    });
    return {
      ...runReport(measured, warnings),
      kind: "profile",
      requestedSteps: this.steps,
      warmupSteps: this.warmupSteps,
      passes: source.passes,
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
    };
  }
}
