import { BackendError, isMillraceError, OptionError } from "@millrace/formats";
import type { LoaderState } from "@millrace/loader";
import { BatchPass } from "../batch-pass.js";
import { systemClock, type Clock } from "../clock.js";
import { CauseMeter } from "../profile/causes.js";
import { measureIdleFenceMs, measureSpanNs } from "../profile/measuring-cost.js";
import type { TrainReport, ValidationReport } from "../report/report.js";
import { runReport } from "../report/run-report.js";
import { isPromiseLike, recordCopy } from "../step-context.js";
import { stepError } from "../step-error.js";
import { StepRecorder } from "../step-recorder.js";
import { StepWatch } from "../step-watch.js";
import { summarizeSteps } from "../time-budget.js";
import { evaluateStep } from "./evaluate.js";
import type { LayersTrainer } from "./layers-trainer.js";
import type { TrainProgress } from "./progress.js";
import { RunProgress } from "./run-progress.js";
import { checkResume, prepareFolder, saveCheckpoint } from "./run-checkpoints.js";
import { learningRateAt, type Schedule } from "./schedule.js";
import { stepFailure } from "./step-failure.js";
import { StepMetrics, type MetricSums, type RunStep } from "./step-metrics.js";
import { timeShares } from "./time-shares.js";
import type { TrainBatch, TrainOptions } from "./train-options.js";
import type { TrainSettings } from "./train-settings.js";

/** How long a batch, a step or a fence may take, in ms. */
export const DEADLINE_MS = 300_000;
/** Until then workers start and the device compiles; of a run three times as long the verdict leaves them out. */
const STARTUP_STEPS = 10;

/** One training run. */
export class TrainRun implements Disposable {
  readonly #clock: Clock;
  readonly #recorder: StepRecorder;
  readonly #metrics: StepMetrics;
  readonly #schedule: Schedule;
  readonly #totalSteps: number | undefined;
  readonly #progress: RunProgress;
  /** The epoch of the loader that is epoch 0 of the run. */
  #firstEpoch = 0;
  /** Updates done, over all epochs and the run that is resumed. */
  #done = 0;
  #samples = 0;
  /** Where the loader stood after the last update. */
  #standing: LoaderState | undefined;
  /** The losses that are being read, or were last. */
  #reading: Promise<MetricSums> | undefined;
  #fences = 0;
  #fenceWaitMs = 0;
  #checkpoint: string | undefined;
  /** Updates that are on disk. */
  #saved = 0;
  #checkpointMs = 0;

  constructor(
    readonly options: TrainOptions,
    readonly settings: TrainSettings,
    readonly watch: StepWatch,
    readonly step: RunStep,
    /** What `step` runs, if it is not the user's. */
    readonly layers: LayersTrainer | undefined,
  ) {
    const { backend, loader } = options;
    this.#clock = options.clock ?? systemClock;
    this.#recorder = new StepRecorder(this.#clock, undefined, options.spans);
    this.#progress = new RunProgress(settings, () => this.#recorder.log.sums().wallMs);
    this.#metrics = new StepMetrics(backend.tf, options.sampleKeys);
    this.#totalSteps = loader.length === undefined ? undefined : settings.epochs * loader.length;
    this.#schedule = { ...settings, name: settings.schedule, totalSteps: this.#totalSteps ?? Infinity };
  }

  async run(): Promise<TrainReport> {
    const { options, settings, watch } = this;
    const { backend, loader, checkpoint, resume } = options;
    if (checkpoint !== undefined) await prepareFolder(checkpoint, resume !== undefined);
    this.#resume();
    this.#standing = loader.state?.();
    this.#firstEpoch = (resume === undefined ? this.#standing?.epoch : resume.firstEpoch) ?? 0;
    const firstStep = this.#done;
    const spanNs = measureSpanNs(options.spans !== undefined);
    const fence = (): Promise<void> => backend.fence();
    const idleFenceMs = await watch.wait(measureIdleFenceMs(fence, this.#clock), "fence", this.#done);
    this.#tell({ kind: "start", step: firstStep, totalSteps: this.#totalSteps });
    using causes = new CauseMeter(loader, this.#clock, options.spans);
    try {
      await this.#allEpochs();
    } catch (error) {
      throw await this.#saveFailed(error);
    }
    const found = await causes.stop();
    this.layers?.finish();
    const facts = [{ name: "backend", value: `${backend.name}, ${backend.device}` }, ...(options.facts ?? [])];
    const startupSteps = this.#recorder.log.count < 3 * STARTUP_STEPS ? 0 : STARTUP_STEPS;
    const measured = {
      recorder: this.#recorder,
      samples: this.#samples,
      facts,
      spanNs,
      idleFenceMs,
      startupSteps,
      found,
    };
    return {
      ...runReport({ ...measured, fences: this.#fences, fenceWaitMs: this.#fenceWaitMs }, []),
      kind: "train",
      epochs: this.#progress.epochs,
      firstStep,
      checkpoint: this.#checkpoint,
      checkpointMs: this.#checkpointMs,
      best: this.#progress.best,
      stoppedEarly: this.#progress.isStopped && this.#progress.epochs.length < settings.epochs,
    };
  }

  [Symbol.dispose](): void {
    this.#metrics.dispose();
    this.layers?.dispose();
  }

  #resume(): void {
    const { resume, loader } = this.options;
    if (resume === undefined) return;
    checkResume(resume, loader, this.settings);
    this.layers?.restore(resume);
    this.#done = resume.step;
    this.#saved = resume.step;
    this.#progress.restore(resume);
  }

  async #allEpochs(): Promise<void> {
    const progress = this.#progress;
    const state = this.options.loader.state?.();
    const first = state === undefined ? progress.epochs.length : state.epoch - this.#firstEpoch;
    // A run that was cut off behind the last step of an epoch still lacks its end.
    if (progress.running.steps > 0 && progress.running.epoch < first) await this.#endEpoch();
    for (let epoch = first; epoch < this.settings.epochs && !progress.isStopped; epoch++) {
      progress.begin(epoch);
      await this.#steps(epoch);
      await this.#endEpoch();
    }
  }

  async #endEpoch(): Promise<void> {
    const { checkpoint } = this.options;
    const { epoch, samples } = this.#progress.running;
    if (samples === 0) throw new OptionError({ option: "loader", problem: `yields no batch in epoch ${epoch}` });
    const step = this.#done;
    const { report, isBest } = this.#progress.end(await this.#validate(epoch), step);
    if (isBest && this.settings.restoreBest) this.layers?.keepBest();
    if (report.validation !== undefined) this.#tell({ kind: "validation", epoch, step, ...report.validation });
    this.#tell({ kind: "epoch", step, ...report });
    const everyEpochs = checkpoint?.everyEpochs ?? (checkpoint?.everySteps === undefined ? 1 : undefined);
    const isDue = everyEpochs !== undefined && (epoch + 1) % everyEpochs === 0;
    if (isDue || isBest) await this.#save({ isDue, isBest });
  }

  async #validate(epoch: number): Promise<ValidationReport | undefined> {
    const { options, settings, layers, watch } = this;
    const { validation, signal } = options;
    const isDue = (epoch + 1) % settings.validateEvery === 0 || epoch + 1 === settings.epochs;
    if (validation === undefined || layers === undefined || !isDue) return undefined;
    const pass = { name: "validation", loader: validation, watch, clock: this.#clock, signal } as const;
    return await layers.withAverages(async () => await evaluateStep(layers.step, pass));
  }

  /** All steps of an epoch, from where the loader stands in it. */
  async #steps(epoch: number): Promise<void> {
    const { loader } = this.options;
    const pass = new BatchPass(loader.epoch?.(this.#firstEpoch + epoch) ?? loader);
    let window = this.#recorder.log.count;
    try {
      this.#recorder.startStep();
      for (;;) {
        const read = await this.#oneStep(pass, epoch);
        if (read === undefined) break;
        if (read === "on the device") continue;
        this.#tellSteps(epoch, read, window);
        window = this.#recorder.log.count;
        await this.#saveIfDue();
      }
      this.#recorder.pause();
      await this.watch.wait(this.#readMetrics(), "fence", this.#done);
      this.#standing = loader.state?.();
    } finally {
      await pass.close();
    }
  }

  /** One update; `undefined` if there is no batch left, and what was read if the device was waited for. */
  async #oneStep(pass: BatchPass<TrainBatch>, epoch: number): Promise<MetricSums | "on the device" | undefined> {
    const recorder = this.#recorder;
    const turn = this.watch.between();
    if (turn !== undefined) await turn;
    recorder.begin("stall");
    const next = await pass.next(this.watch, this.#done);
    recorder.end("stall");
    if (next === undefined) return undefined;
    if (next.stall !== undefined) recorder.attributeStall(next.stall);
    recorder.begin("compute");
    const step = this.#done;
    try {
      await this.#update(next.batch, epoch);
    } catch (error) {
      const { sampleKeys, signal } = this.options;
      throw await stepFailure(error, { step, batch: next.batch, layers: this.layers?.step, sampleKeys, signal });
    }
    // The update is submitted, so the step is done: an abort while the device is waited for does not undo it.
    this.#done++;
    this.#progress.countStep();
    this.#samples += next.batch.size;
    this.#standing = this.options.loader.state?.();
    let read: MetricSums | undefined;
    try {
      if (this.#mustFence(next.batch)) read = await this.#fence(step);
    } catch (error) {
      throw stepError(error, step, this.options.signal);
    }
    recorder.end("compute");
    recorder.endStep();
    return read ?? "on the device";
  }

  async #update(batch: TrainBatch, epoch: number): Promise<void> {
    const step = this.#done;
    const learningRate = learningRateAt(step, this.#schedule);
    const copy = <T>(work: () => T): T => recordCopy(this.#recorder, work);
    const result = this.step(batch, { step, epoch, learningRate, copy });
    const settled = isPromiseLike(result) ? await this.watch.wait(result, "step", step) : result;
    this.#metrics.add(step, batch.size, batch.indices, settled);
  }

  #mustFence(batch: TrainBatch): boolean {
    const { loader, checkpoint } = this.options;
    const isLast = loader.length !== undefined && batch.step === loader.length - 1;
    const isDue = (every: number | undefined): boolean => every !== undefined && this.#done % every === 0;
    return isLast || isDue(this.settings.fenceEvery) || isDue(checkpoint?.everySteps);
  }

  async #fence(step: number): Promise<MetricSums> {
    const start = this.#clock.now();
    await this.watch.wait(this.options.backend.fence(), "fence", step);
    this.#fenceWaitMs += this.#clock.now() - start;
    this.#fences++;
    return await this.watch.wait(this.#readMetrics(), "fence", step);
  }

  /** Reads the losses since the last time, and adds them to the epoch. */
  #readMetrics(isFailing = false): Promise<MetricSums> {
    this.#reading = this.#metrics.flush(isFailing).then((sums) => {
      this.#progress.add(sums);
      return sums;
    });
    return this.#reading;
  }

  #tell(progress: TrainProgress): void {
    this.options.onProgress?.(progress);
    for (const observer of this.options.observers ?? []) observer.observe(progress);
  }

  /** Tells how the steps from `window` on went. */
  #tellSteps(epoch: number, sums: MetricSums, window: number): void {
    const budget = summarizeSteps(this.#recorder.log.steps(window));
    this.#tell({
      kind: "steps",
      epoch,
      step: this.#done,
      totalSteps: this.#totalSteps,
      loss: sums.lossSum / sums.samples,
      accuracy: sums.correct === undefined ? undefined : sums.correct / sums.samples,
      samplesPerSec: rate(sums.samples, budget.wall.sumMs),
      ...timeShares(budget),
      learningRate: learningRateAt(this.#done - 1, this.#schedule),
    });
  }

  async #saveIfDue(): Promise<void> {
    const everySteps = this.options.checkpoint?.everySteps;
    if (everySteps === undefined || this.#done % everySteps !== 0) return;
    this.#recorder.pause();
    await this.#save({ isDue: true, isBest: false });
    this.#recorder.startStep();
  }

  async #save(kinds: { readonly isDue: boolean; readonly isBest: boolean }): Promise<void> {
    const { checkpoint } = this.options;
    if (checkpoint === undefined || this.layers === undefined) return;
    const start = this.#clock.now();
    const { seed, optimizer, momentum, loss } = this.settings;
    const loaderState = this.#standing ?? null;
    const firstEpoch = this.#firstEpoch === 0 ? undefined : this.#firstEpoch;
    const place = { step: this.#done, seed, optimizer, momentum, loss, loaderState, firstEpoch };
    const content = { ...place, ...this.#progress.save() };
    const path = await saveCheckpoint(checkpoint, { ...content, ...(await this.layers.save()) }, kinds);
    if (kinds.isDue) {
      this.#checkpoint = path;
      this.#saved = this.#done;
    }
    this.#checkpointMs += this.#clock.now() - start;
    this.#tell({ kind: "checkpoint", step: this.#done, path });
  }

  /** Keeps the updates that were done when the run ends between two, and returns the error that says where. */
  async #saveFailed(error: unknown): Promise<unknown> {
    const { options, layers } = this;
    if (options.checkpoint === undefined || layers === undefined) return error;
    const isDiverged = isMillraceError(error) && DIVERGED.has(error.detail.reason);
    if (!isDiverged && !layers.isTorn && this.#done > this.#saved) {
      try {
        await this.#saveNow();
      } catch (failure) {
        // Who stops a run must know that it is not saved; any other end has a better reason already.
        const isAbort = options.signal?.aborted === true && error === options.signal.reason;
        return isAbort && isMillraceError(failure, "FILE") ? failure : error;
      }
    }
    if (!isMillraceError(error, "BACKEND") || this.#checkpoint === undefined) return error;
    const fix = `${error.detail.fix ?? ""}; step ${this.#saved} is saved, to be resumed from ${this.#checkpoint}`;
    return new BackendError({ ...error.detail, fix });
  }

  async #saveNow(): Promise<void> {
    // The run's own watch would reject at once after an abort.
    using watch = new StepWatch(this.options.deadlineMs ?? DEADLINE_MS);
    await watch.wait(this.options.backend.fence(), "fence", this.#done);
    if (this.#reading !== undefined) await watch.wait(this.#reading, "fence", this.#done);
    await watch.wait(this.#readMetrics(true), "fence", this.#done);
    await this.#save({ isDue: true, isBest: false });
  }
}

/** After these the weights are worth nothing. */
const DIVERGED: ReadonlySet<string | undefined> = new Set(["LOSS_NOT_FINITE", "WEIGHT_NOT_FINITE", "DEVICE_OVERDUE"]);

/** Per second. */
function rate(count: number, ms: number): number {
  return ms > 0 ? (count * 1000) / ms : 0;
}
