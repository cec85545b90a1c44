import { ClosedError, type Statistics } from "@millrace/formats";
import { setImmediate as nextTurn } from "node:timers/promises";
import { anotherLoop, BatchLoop } from "./batch-loop.js";
import { LoadedBatch, type Batch, type BatchStall } from "./batch.js";
import { publishBatch, publishDeath, publishEpoch, type WorkerDeath } from "./diagnostics.js";
import { describeLoader } from "./describe.js";
import { EpochChain } from "./epoch-chain.js";
import type { EpochRun, ReadySlot, SkippedSample } from "./epoch-run.js";
import { loaderFacts, type LoaderFacts } from "./facts.js";
import type { LoaderParts } from "./loader-parts.js";
import type { Loader } from "./loader.js";
import type { BoundOrder } from "./order/order.js";
import type { RankPlanOptions } from "./order/rank.js";
import { checkEpoch, RankEpochs, type Standing } from "./rank-epochs.js";
import { Activity } from "./ring/activity.js";
import { Effort } from "./ring/effort.js";
import { Ring } from "./ring/ring.js";
import type { SharedMemory } from "./ring/shared-memory.js";
import { withKey } from "./sample-key.js";
import { SlotViews } from "./slot-views.js";
import { NO_STALL, StallMeter } from "./stall.js";
import { STATE_VERSION, type LoaderState } from "./state.js";
import { StatsRecorder, type LoaderStats } from "./stats.js";
import type { LoaderVariant } from "./variant.js";
import type { Crew } from "./worker/crew.js";
import { createCrew } from "./worker/create-crew.js";

/** A consumer that never waits lets other work of its thread run this often. */
const TURN_MS = 20;
/** Skipped samples that are remembered one by one. */
const MAX_SKIPPED = 1000;

/** The {@link Loader}. */
export class LiveLoader implements Loader {
  readonly samples: number;
  readonly statistics: Statistics | undefined;
  readonly skipped: SkippedSample[] = [];
  readonly #order: BoundOrder;
  readonly #epochs: RankEpochs;
  readonly #ring: Ring;
  readonly #views: SlotViews;
  readonly #activities: readonly Activity[];
  readonly #efforts: readonly Effort[];
  readonly #meter: StallMeter;
  readonly #recorder: StatsRecorder;
  readonly #chain: EpochChain;
  /** This rank's part of a whole epoch. */
  readonly #wholeRank: RankPlanOptions;
  /** Epoch, position and bad samples where no run is under way. */
  #at: Standing;
  #crew: Crew | undefined;
  #run: EpochRun | undefined;
  #batch: LoadedBatch | undefined;
  #step = 0;
  #lastTurn = 0;
  #begunAt = 0;
  #closed: { readonly reason: unknown } | undefined;
  #stopping: Promise<void> | undefined;
  /** Loops begun so far; the newest is the one that goes on. */
  #loops = 0;
  readonly #onAbort = (): void => {
    void this.#shutDown(this.parts.options.signal?.reason);
  };

  constructor(
    readonly parts: LoaderParts,
    state: LoaderState | undefined,
  ) {
    const { setup, options, fields } = parts;
    const { layout, memories } = setup;
    this.samples = parts.samples;
    this.statistics = parts.statistics;
    this.#order = parts.bound;
    this.#epochs = new RankEpochs(this.#order.length, options);
    this.#ring = new Ring(memories, layout);
    this.#views = new SlotViews(this.#ring, fields);
    const workers = Array.from({ length: Math.max(1, layout.numWorkers) }, (_, worker) => worker);
    const [first] = memories as [SharedMemory];
    this.#activities = workers.map((worker) => new Activity(first, layout, worker));
    this.#efforts = workers.map((worker) => new Effort(first, layout, worker));
    this.#meter = new StallMeter(this.#activities);
    const sampleBytes = fields.reduce((sum, field) => sum + field.cellBytes, 0);
    this.#recorder = new StatsRecorder(layout.numWorkers, sampleBytes, setup.decoder);
    const sameWorld = state?.worldSize === options.worldSize;
    this.#at = {
      epoch: state?.epoch ?? 0,
      position: state?.position ?? 0,
      skipped: sameWorld ? (state?.skipped ?? 0) : 0,
    };
    this.#chain = new EpochChain({
      ring: this.#ring,
      order: this.#order,
      dropLast: options.dropLast,
      onBadSample: options.onBadSample,
      onSkip: (sample) => this.#skip(sample),
    });
    this.#wholeRank = this.#epochs.whole;
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  get length(): number {
    return this.#epochs.batchesFrom(0, 0);
  }

  state(): LoaderState {
    const { options, fingerprint, order } = this.parts;
    const { split, worldSize } = options;
    return { version: STATE_VERSION, fingerprint, split, order, worldSize, ...this.#standing() };
  }

  /** Where the consumer stands; the end of an epoch is the beginning of the next. */
  #standing(): Standing {
    const run = this.#run;
    return this.#epochs.normalize(
      run === undefined ? this.#at : { epoch: run.options.epoch, position: run.position, skipped: run.skipped },
    );
  }

  stats(): LoaderStats {
    return this.#recorder.read(this.parts.options.clock.now(), this.#activities, this.#efforts);
  }

  facts(): LoaderFacts {
    return loaderFacts(this.parts);
  }

  async variant(change: LoaderVariant): Promise<Loader> {
    this.#checkOpen();
    return this.parts.vary(change);
  }

  describe(): string {
    return describeLoader({
      ...this.parts,
      samples: this.samples,
      positions: this.#order.length,
      batches: this.length,
    });
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Batch, undefined> {
    return this.#iterate(undefined);
  }

  epoch(epoch: number): AsyncIterable<Batch> {
    checkEpoch(epoch);
    return { [Symbol.asyncIterator]: () => this.#iterate(epoch) };
  }

  #iterate(epoch: number | undefined): BatchLoop {
    return new BatchLoop({
      begin: () => this.#begin(epoch),
      takeNow: (run) => this.#takeNow(run),
      next: (run) => this.#next(run),
      // Another loop, close() or the signal may be ending the run already.
      end: async (run, isOver) => await (this.#run === run ? this.#end(isOver) : this.#stopping),
    });
  }

  async #begin(epoch: number | undefined): Promise<EpochRun> {
    this.#checkOpen();
    await this.#stopOthers();
    const standing = this.#standing();
    this.#at = epoch === undefined || epoch === standing.epoch ? standing : { epoch, position: 0, skipped: 0 };
    const { options } = this.parts;
    this.#step = this.#epochs.stepAt(this.#at);
    this.#meter.forget();
    const run = this.#takeAhead() ?? (await this.#beginAnew());
    this.#begunAt = options.clock.now();
    this.#recorder.begin(this.#begunAt);
    this.#run = run;
    return run;
  }

  /** The run that was begun ahead, if it is the one that is wanted. */
  #takeAhead(): EpochRun | undefined {
    const { epoch, position } = this.#at;
    const run = position === 0 ? this.#chain.take(epoch, this.#crew) : undefined;
    if (run === undefined) return undefined;
    this.#ring.resume();
    this.#crew?.start();
    return run;
  }

  async #beginAnew(): Promise<EpochRun> {
    const { epoch, position, skipped } = this.#at;
    const loop = this.#loops;
    this.#chain.forget();
    this.#ring.stop();
    await this.#crew?.rest();
    this.#checkOpen();
    if (loop !== this.#loops) throw anotherLoop();
    this.#ring.reset();
    this.#crew = this.#crew === undefined || this.#crew.isClosed ? this.#createCrew() : this.#crew;
    this.#crew.start();
    return this.#chain.begin(epoch, this.#epochs.planFrom(position, skipped), this.#crew);
  }

  /**
   * Ends the run under way and waits until nobody touches the memory any more.
   * @throws {@link ClosedError} if yet another loop has begun meanwhile.
   */
  async #stopOthers(): Promise<void> {
    const loop = ++this.#loops;
    let stopped: Promise<void> | undefined;
    do {
      if (this.#run !== undefined) {
        this.#crew?.interrupt(anotherLoop());
        await this.#end(false);
      }
      stopped = this.#stopping;
      await stopped;
      this.#checkOpen();
      if (loop !== this.#loops) throw anotherLoop();
    } while (this.#run !== undefined || stopped !== this.#stopping);
  }

  #createCrew(): Crew {
    const { setup, options, ahead } = this.parts;
    const { clock, workerTimeoutMs } = options;
    const { readAhead } = ahead;
    const onDeath = (death: WorkerDeath): void => this.#onDeath(death);
    return createCrew({ setup, ring: this.#ring, clock, workerTimeoutMs, onDeath, readAhead });
  }

  #onDeath(death: WorkerDeath): void {
    this.#recorder.death();
    publishDeath(death);
  }

  /** The next batch where it lies ready and nothing else is due. */
  #takeNow(run: EpochRun): Batch | undefined {
    const now = this.parts.options.clock.now();
    if (this.#closed !== undefined || this.#run !== run || now - this.#lastTurn > TURN_MS) return undefined;
    this.#releaseLast(run);
    const ready = run.takeReady();
    return ready && this.#deliver(run, ready, NO_STALL, now, now);
  }

  async #next(run: EpochRun): Promise<Batch | undefined> {
    const { clock } = this.parts.options;
    this.#checkRun(run);
    this.#releaseLast(run);
    if (clock.now() - this.#lastTurn > TURN_MS) {
      await nextTurn();
      this.#checkRun(run);
      this.#lastTurn = clock.now();
    }
    const { nextSlot } = run;
    const mustWait = nextSlot === undefined || !this.#ring.isReady(nextSlot);
    const start = clock.now();
    const { waits } = this.#ring;
    if (mustWait) this.#meter.begin(this.#step, start);
    const ready = await this.#take(run);
    this.#checkRun(run);
    if (ready === undefined) return undefined;
    const now = clock.now();
    if (this.#ring.waits !== waits) this.#lastTurn = now;
    const stall = mustWait ? this.#meter.end(now, now - start) : NO_STALL;
    return this.#deliver(run, ready, stall, start, now);
  }

  /** Takes back the memory of the batch that was delivered last. */
  #releaseLast(run: EpochRun): void {
    if (this.#batch === undefined) return;
    this.#batch.expire();
    this.#batch = undefined;
    if (this.parts.setup.layout.numWorkers === 0) run.release();
    else this.#chain.release(run, this.#wholeRank);
  }

  #deliver(run: EpochRun, { slot, size }: ReadySlot, stall: BatchStall, start: number, now: number): Batch {
    const readyAt = this.#ring.readyAt(slot);
    this.#recorder.batch(size, stall, readyAt, now);
    const { indices, fields } = this.#views.view(slot, size);
    const batch = new LoadedBatch({ epoch: run.options.epoch, step: this.#step++, size, indices, fields, stall });
    this.#batch = batch;
    publishBatch(batch, start, now, readyAt);
    return batch;
  }

  async #take(run: EpochRun): ReturnType<EpochRun["take"]> {
    try {
      return await run.take();
    } catch (error) {
      throw await withKey(error, this.parts.shards);
    }
  }

  #skip(sample: SkippedSample): void {
    this.#recorder.skip(1);
    if (this.skipped.length === MAX_SKIPPED) this.skipped.shift();
    this.skipped.push(sample);
  }

  /** Ends the run under way: its threads rest if the epoch is over, and end otherwise. */
  async #end(isOver: boolean): Promise<void> {
    const standing = this.#standing();
    const { epoch } = this.#at;
    this.#at = isOver && standing.epoch === epoch ? { epoch: epoch + 1, position: 0, skipped: 0 } : standing;
    this.#run = undefined;
    this.#batch?.expire();
    this.#batch = undefined;
    const now = this.parts.options.clock.now();
    this.#recorder.end(now);
    publishEpoch({ epoch, startMs: this.#begunAt, endMs: now, isWhole: isOver });
    if (isOver && this.#crew?.isClosed === false) {
      this.#ring.drain();
      return;
    }
    this.#chain.forget();
    this.#ring.stop();
    this.#stopping = this.#crew?.close();
    await this.#stopping;
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw this.#closed.reason;
  }

  #checkRun(run: EpochRun): void {
    this.#checkOpen();
    if (this.#run === run) return;
    throw anotherLoop();
  }

  async #shutDown(reason: unknown): Promise<void> {
    this.#closed ??= { reason };
    this.parts.options.signal?.removeEventListener("abort", this.#onAbort);
    this.#crew?.interrupt(reason);
    this.#chain.forget();
    if (this.#run !== undefined) await this.#end(false);
    else {
      this.#ring.stop();
      await this.#crew?.close();
    }
  }

  async close(): Promise<void> {
    await this.#shutDown(new ClosedError({ problem: "the loader is closed", fix: "open it again" }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
