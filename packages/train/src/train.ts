import { OptionError, StateError } from "@millrace/formats";
import type { LoaderState } from "@millrace/loader";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { BatchPass } from "./batch-pass.js";
import { writeCheckpoint } from "./checkpoint/checkpoint.js";
import { refuseCheckpointsIn } from "./checkpoint/checkpoint-folder.js";
import { systemClock, type Clock } from "./clock.js";
import { updateRule } from "./optimizers/optimizer.js";
import { measureIdleFenceMs, measureSpanNs } from "./profile/measuring-cost.js";
import type { EpochReport, TrainReport } from "./report/report.js";
import { runReport } from "./report/run-report.js";
import { isPromiseLike, recordCopy } from "./step-context.js";
import { stepError } from "./step-error.js";
import { StepRecorder } from "./step-recorder.js";
import { StepWatch } from "./step-watch.js";
import { summarizeSteps } from "./time-budget.js";
import { evaluateStep } from "./training/evaluate.js";
import { LayersStep } from "./training/layers-step.js";
import { LayersTrainer } from "./training/layers-trainer.js";
import type { TrainProgress } from "./training/progress.js";
import { learningRateAt, type Schedule } from "./training/schedule.js";
import { addMetrics, NO_METRICS, StepMetrics, type MetricSums } from "./training/step-metrics.js";
import { timeShares } from "./training/time-shares.js";
import {
  resolveTrainOptions,
  statisticsOf,
  type TrainBatch,
  type TrainOptions,
  type TrainSettings,
  type TrainStep,
} from "./training/train-options.js";

const DEADLINE_MS = 300_000;
/** Until then workers start and the device compiles; of a run three times as long the verdict leaves them out. */
const STARTUP_STEPS = 10;

/**
 * Trains a model on the batches of a loader, and says where the time went. Every step is one update; the device is
 * waited for every `fenceEvery` steps, at the end of an epoch and before a checkpoint. When the signal aborts and there
 * is a `checkpoint` option, a checkpoint of the last finished step is written first.
 *
 * ```ts
 * const report = await train({ loader, validation, model, backend, epochs: 5 });
 * ```
 * Memory: the model stays the caller's; every other tensor is gone when the promise settles.
 * @throws {@link OptionError} if an option is impossible or does not fit the batches, {@link SampleError} for a label
 * out of range, {@link StateError} for a checkpoint that does not fit or a `checkpoint.dir` of another run, {@link BackendError} if a step throws, takes
 * longer than `deadlineMs`, or gives a loss that is not finite (with the batch's sample numbers), {@link WorkerError} if
 * a batch takes longer; an error of the loader as it is; the signal's reason when it aborts.
 */
export async function train(options: TrainOptions): Promise<TrainReport> {
  const { observers = [] } = options;
  const settings = resolveTrainOptions(options);
  using watch = new StepWatch(options.deadlineMs ?? DEADLINE_MS, options.signal);
  using run = new TrainRun(options, settings, watch);
  let report: TrainReport;
  try {
    report = await run.run();
  } catch (error) {
    // What ended the run says more than what its observers say about their end.
    await Promise.allSettled(observers.map(async (observer) => await observer.close?.()));
    throw error;
  }
  for (const observer of observers) await observer.close?.();
  return report;
}

/** One training run. */
class TrainRun implements Disposable {
  readonly #clock: Clock;
  readonly #recorder: StepRecorder;
  readonly #metrics: StepMetrics;
  readonly #layers: LayersTrainer | undefined;
  readonly #step: TrainStep;
  readonly #schedule: Schedule;
  readonly #totalSteps: number | undefined;
  readonly #epochs: EpochReport[] = [];
  /** Updates done, over all epochs and the run that is resumed. */
  #done = 0;
  #samples = 0;
  /** Where the loader stood when the run was stopped. */
  #stoppedAt: LoaderState | undefined;
  #isBetweenSteps = true;
  /** The losses that are being read, or were last. */
  #reading: Promise<MetricSums> | undefined;
  #fences = 0;
  #fenceWaitMs = 0;
  #checkpoint: string | undefined;
  #checkpointMs = 0;

  constructor(
    readonly options: TrainOptions,
    readonly settings: TrainSettings,
    readonly watch: StepWatch,
  ) {
    const { model, backend, loader } = options;
    this.#clock = options.clock ?? systemClock;
    this.#recorder = new StepRecorder(this.#clock);
    this.#metrics = new StepMetrics(backend.tf);
    this.#totalSteps = loader.length === undefined ? undefined : settings.epochs * loader.length;
    this.#schedule = { ...settings, name: settings.schedule, totalSteps: this.#totalSteps ?? Infinity };
    if (typeof model === "function") {
      this.#step = model;
    } else {
      const layers = trainerOf(model, options, settings);
      this.#layers = layers;
      this.#step = (batch, context) => layers.run(batch, context);
    }
  }

  async run(): Promise<TrainReport> {
    const { options, settings, watch } = this;
    const { backend, loader, checkpoint } = options;
    if (checkpoint !== undefined && options.resume === undefined) await refuseCheckpointsIn(checkpoint.dir);
    this.#resume();
    const firstStep = this.#done;
    const spanNs = measureSpanNs();
    const fence = (): Promise<void> => backend.fence();
    const idleFenceMs = await watch.wait(measureIdleFenceMs(fence, this.#clock), "fence", this.#done);
    this.#tell({ kind: "start", step: firstStep, totalSteps: this.#totalSteps });
    try {
      for (let epoch = loader.state?.().epoch ?? 0; epoch < settings.epochs; epoch++) await this.#epoch(epoch);
    } catch (error) {
      await this.#saveStopped(error);
      throw error;
    }
    const facts = [{ name: "backend", value: `${backend.name}, ${backend.device}` }, ...(options.facts ?? [])];
    const startupSteps = this.#recorder.log.count < 3 * STARTUP_STEPS ? 0 : STARTUP_STEPS;
    const measured = { recorder: this.#recorder, samples: this.#samples, facts, spanNs, idleFenceMs, startupSteps };
    return {
      ...runReport({ ...measured, fences: this.#fences, fenceWaitMs: this.#fenceWaitMs }, []),
      kind: "train",
      epochs: this.#epochs,
      firstStep,
      checkpoint: this.#checkpoint,
      checkpointMs: this.#checkpointMs,
    };
  }

  [Symbol.dispose](): void {
    this.#metrics.dispose();
    this.#layers?.dispose();
  }

  #resume(): void {
    const { resume, loader } = this.options;
    if (resume === undefined) return;
    const state = loader.state?.();
    if (state?.epoch !== resume.loaderState?.epoch || state?.position !== resume.loaderState?.position) {
      throw new StateError({
        problem: "the loader does not stand where the checkpoint was written",
        expected: `epoch ${resume.loaderState?.epoch ?? 0}, position ${resume.loaderState?.position ?? 0}`,
        found: state === undefined ? "a loader without a state" : `epoch ${state.epoch}, position ${state.position}`,
        fix: "open the loader with the option state: checkpoint.loaderState",
      });
    }
    const { optimizer, momentum } = this.settings;
    if (resume.optimizer !== optimizer || resume.momentum !== momentum) {
      throw new StateError({
        problem: "the checkpoint is of another optimizer",
        expected: `${optimizer}, momentum ${momentum}`,
        found: `${resume.optimizer}, momentum ${resume.momentum}`,
        fix: "resume with the optimizer of the run that wrote it",
      });
    }
    this.#layers?.restore(resume);
    this.#done = resume.step;
  }

  async #epoch(epoch: number): Promise<void> {
    const { loader, validation, checkpoint } = this.options;
    const before = this.#recorder.log.sums().wallMs;
    const firstStep = this.#done;
    const sums = await this.#steps(epoch);
    if (sums.samples === 0) throw new OptionError({ option: "loader", problem: `yields no batch in epoch ${epoch}` });
    const report: EpochReport = {
      epoch,
      steps: this.#done - firstStep,
      loss: sums.lossSum / sums.samples,
      accuracy: sums.correct === undefined ? undefined : sums.correct / sums.samples,
      samplesPerSec: rate(sums.samples, this.#recorder.log.sums().wallMs - before),
      validation:
        validation === undefined || this.#layers === undefined
          ? undefined
          : await evaluateStep(this.#layers.step, {
              loader: validation,
              watch: this.watch,
              clock: this.#clock,
              signal: this.options.signal,
            }),
    };
    this.#epochs.push(report);
    const step = this.#done;
    if (report.validation !== undefined) this.#tell({ kind: "validation", epoch, step, ...report.validation });
    this.#tell({ kind: "epoch", step, ...report });
    const everyEpochs = checkpoint?.everyEpochs ?? (checkpoint?.everySteps === undefined ? 1 : undefined);
    if (everyEpochs !== undefined && (epoch + 1) % everyEpochs === 0) await this.#save(loader.state?.());
  }

  /** All steps of an epoch. */
  async #steps(epoch: number): Promise<MetricSums> {
    const { loader } = this.options;
    const pass = new BatchPass(loader.epoch?.(epoch) ?? loader);
    let sums = NO_METRICS;
    let window = this.#recorder.log.count;
    try {
      this.#recorder.startStep();
      for (;;) {
        const read = await this.#oneStep(pass, epoch);
        if (read === undefined) break;
        if (read === "on the device") continue;
        sums = addMetrics(sums, read);
        this.#tellSteps(epoch, read, window);
        window = this.#recorder.log.count;
        await this.#saveIfDue();
      }
      this.#recorder.pause();
      return addMetrics(sums, await this.watch.wait(this.#readMetrics(), "fence", this.#done));
    } catch (error) {
      this.#stoppedAt = loader.state?.();
      throw error;
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
    this.#isBetweenSteps = false;
    if (next.stall !== undefined) recorder.attributeStall(next.stall);
    recorder.begin("compute");
    const step = this.#done;
    let read: MetricSums | undefined;
    try {
      await this.#update(next.batch, epoch);
      // The update is submitted, so the step is done: an abort while the device is waited for does not undo it.
      this.#done++;
      this.#samples += next.batch.size;
      this.#isBetweenSteps = true;
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
    const result = this.#step(batch, { step, epoch, learningRate, copy });
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

  #readMetrics(): Promise<MetricSums> {
    this.#reading = this.#metrics.flush();
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
    await this.#save(this.options.loader.state?.());
    this.#recorder.startStep();
  }

  async #save(loaderState: LoaderState | undefined): Promise<void> {
    const { checkpoint } = this.options;
    if (checkpoint === undefined || this.#layers === undefined) return;
    const start = this.#clock.now();
    const { seed, optimizer, momentum } = this.settings;
    const state = { step: this.#done, seed, optimizer, momentum, loaderState: loaderState ?? null };
    const content = { ...state, ...(await this.#layers.save()) };
    this.#checkpoint = await writeCheckpoint(checkpoint.dir, content, checkpoint.keep ?? 3);
    this.#checkpointMs += this.#clock.now() - start;
    this.#tell({ kind: "checkpoint", step: this.#done, path: this.#checkpoint });
  }

  /** Keeps what was done when the signal aborts between two steps; a run that failed has nothing worth keeping. */
  async #saveStopped(error: unknown): Promise<void> {
    const { signal } = this.options;
    if (signal?.aborted !== true || error !== signal.reason || !this.#isBetweenSteps || this.#done === 0) return;
    // The run's own watch would reject at once.
    using watch = new StepWatch(this.options.deadlineMs ?? DEADLINE_MS);
    try {
      await watch.wait(this.options.backend.fence(), "fence", this.#done);
      if (this.#reading !== undefined) await watch.wait(this.#reading, "fence", this.#done);
      await watch.wait(this.#metrics.flush(), "fence", this.#done);
    } catch {
      return;
    }
    await this.#save(this.#stoppedAt ?? this.options.loader.state?.());
  }
}

function trainerOf(model: LayersModel, options: TrainOptions, settings: TrainSettings): LayersTrainer {
  const { backend, loader, statistics = statisticsOf(loader, settings.imageField) } = options;
  const step = new LayersStep({ ...settings, model, backend, statistics });
  return new LayersTrainer(step, updateRule(settings.optimizer, settings.momentum), settings.seed);
}

/** Per second. */
function rate(count: number, ms: number): number {
  return ms > 0 ? (count * 1000) / ms : 0;
}
