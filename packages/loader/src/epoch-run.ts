import { errorFromData, SampleError } from "@millrace/formats";
import type { BoundOrder } from "./order/order.js";
import { planRank, rankPosition, type RankPlan, type RankPlanOptions } from "./order/rank.js";
import { cellAt, type RingLayout } from "./ring/layout.js";
import { SAMPLE_STATE, type Ring } from "./ring/ring.js";
import type { Crew } from "./worker/crew.js";
import type { BadSample } from "./worker/protocol.js";

/** A sample that could not be made and was left out. */
export interface SkippedSample {
  readonly epoch: number;
  /** Its number in the split. */
  readonly sample: number;
  /** Why. */
  readonly error: Error;
}

/** What {@link EpochRun} needs to know. */
export interface EpochRunOptions {
  readonly ring: Ring;
  readonly crew: Crew;
  readonly order: BoundOrder;
  readonly epoch: number;
  readonly rank: RankPlanOptions;
  readonly dropLast: boolean;
  readonly onBadSample: "fail" | "skip";
  readonly onSkip: (skipped: SkippedSample) => void;
  /**
   * Number that the run's first batch has among all that the ring has held since it was reset; default 0. A run with a
   * number begins while another one holds the slots before, so it publishes nothing before {@link EpochRun.fill}.
   */
  readonly firstBatch?: number | undefined;
  /** Is called, and awaited, before the batches in the making change places. */
  readonly onCloseUp?: (() => Promise<void>) | undefined;
}

/** A batch that lies ready in a slot. */
export interface ReadySlot {
  readonly slot: number;
  readonly size: number;
}

/**
 * The rest of an epoch of one rank: decides which sample goes to which slot, in order, and takes the slots in the same
 * order. Samples that cannot be made are closed up, so the batches hold the good samples of the rank's positions, in
 * the order of their positions, whoever makes them and however many are made at a time.
 */
export class EpochRun {
  readonly #layout: RingLayout;
  readonly #plan: RankPlan;
  /** Samples in each slot. */
  readonly #sizes: number[];
  /** For each cell of each slot, which of the rank's positions it holds. */
  readonly #places: Float64Array[];
  readonly #samples: Uint32Array[];
  readonly #draws: Uint32Array[];
  readonly #states: Uint8Array[];
  /** Batches published and taken, counted on from the first batch's number. */
  #published: number;
  #taken: number;
  /** Positions of the rank given out. */
  #cursor = 0;
  /** Samples delivered or in the making. */
  #assigned = 0;
  #delivered = 0;
  /** Positions of the rank that the consumer is past. */
  #consumed = 0;

  constructor(readonly options: EpochRunOptions) {
    const { ring, rank } = options;
    this.#layout = ring.layout;
    this.#plan = planRank(rank);
    const slots = Array.from({ length: this.#layout.numSlots }, (_, slot) => slot);
    this.#sizes = slots.map(() => 0);
    this.#places = slots.map(() => new Float64Array(this.#layout.batchSize));
    this.#samples = slots.map((slot) => ring.samples(slot));
    this.#draws = slots.map((slot) => ring.draws(slot));
    this.#states = slots.map((slot) => ring.states(slot));
    this.#published = options.firstBatch ?? 0;
    this.#taken = this.#published;
    if (options.firstBatch === undefined) this.fill(0);
  }

  /** Batches published, counted on from the first batch's number. */
  get published(): number {
    return this.#published;
  }

  /** True if no batch of the run is left to be published, unless a bad sample is to be replaced. */
  get isPublished(): boolean {
    const left = this.#left();
    return left <= 0 || (this.options.dropLast && left < this.#layout.batchSize);
  }

  /** Publishes as many batches as there are slots, if the ring's batches before number `freed` are over. */
  fill(freed: number): void {
    while (this.#published - freed < this.#layout.numSlots && this.#publishNext());
  }

  /** Position in the epoch up to which all ranks have come, if all have consumed as much as this one. */
  get position(): number {
    return this.options.rank.start + this.#consumed * this.options.rank.worldSize;
  }

  /** Bad samples among those that this rank is past. */
  get skipped(): number {
    return this.options.rank.skipped + this.#consumed - this.#delivered;
  }

  /** Samples that can still be given out, if none is bad. */
  #left(): number {
    return Math.min(this.#plan.samples - this.#assigned, this.#plan.positions - this.#cursor);
  }

  /** Writes the next sample numbers to the cells `[from, to)` of a slot. */
  #assign(slot: number, from: number, to: number): void {
    const { order, epoch, rank } = this.options;
    const samples = this.#samples[slot] as Uint32Array;
    const draws = this.#draws[slot] as Uint32Array;
    const places = this.#places[slot] as Float64Array;
    // Where a sample may come more than once in an epoch, it shall not look the same each time.
    const { repeats } = order;
    let cursor = this.#cursor;
    for (let cell = from; cell < to; cell++) {
      const position = rankPosition(rank, cursor);
      const sample = order.at(epoch, position);
      places[cell] = cursor++;
      samples[cell] = sample;
      draws[cell] = repeats ? position : sample;
    }
    this.#cursor = cursor;
    (this.#states[slot] as Uint8Array).fill(SAMPLE_STATE.missing, from);
    this.#assigned += to - from;
    this.#sizes[slot] = to;
    this.options.ring.publish(slot, from, to, epoch);
  }

  /** False if there is none left. */
  #publishNext(): boolean {
    const { batchSize, numSlots } = this.#layout;
    if (this.isPublished) return false;
    const size = Math.min(batchSize, this.#left());
    this.#assign(this.#published % numSlots, 0, size);
    this.#published++;
    return true;
  }

  /**
   * The memory of the batch taken last is free; the next one that is not yet in the making goes there, or one of
   * `ahead`, the run that follows.
   */
  release(ahead?: EpochRun): void {
    this.options.ring.setHead(this.#taken);
    this.fill(this.#taken);
    ahead?.fill(this.#taken);
  }

  /** Takes back all that was published: waits until it is made, and forgets it. */
  async cancel(): Promise<void> {
    const { ring, crew } = this.options;
    const { numSlots } = this.#layout;
    for (; this.#taken < this.#published; this.#taken++) {
      const slot = this.#taken % numSlots;
      await crew.untilReady(slot);
      crew.dropBad(slot);
      ring.free(slot);
    }
  }

  /** The slot of the next batch, which may not be ready; `undefined` at the end of the epoch. */
  get nextSlot(): number | undefined {
    return this.#taken < this.#published ? this.#taken % this.#layout.numSlots : undefined;
  }

  /** Takes the next batch if it lies ready and whole; else {@link EpochRun.take} it. */
  takeReady(): ReadySlot | undefined {
    const { ring, dropLast } = this.options;
    const slot = this.nextSlot;
    if (slot === undefined || !ring.isReady(slot) || ring.badCount(slot) > 0) return undefined;
    const size = this.#sizes[slot] as number;
    if (dropLast && size < this.#layout.batchSize) return undefined;
    this.#taken++;
    this.#delivered += size;
    this.#consumed = ((this.#places[slot] as Float64Array)[size - 1] as number) + 1;
    return { slot, size };
  }

  /**
   * Takes the next batch, once it is ready; `undefined` at the end of the epoch.
   * @throws the error of a bad sample, if the policy is to fail; {@link WorkerError} if a worker died.
   */
  async take(): Promise<ReadySlot | undefined> {
    const { ring, crew, onBadSample } = this.options;
    for (;;) {
      const slot = this.nextSlot;
      if (slot === undefined) break;
      if (!ring.isReady(slot)) await crew.untilReady(slot);
      if (ring.badCount(slot) > 0) {
        if (onBadSample === "fail") throw this.#firstError(slot);
        await this.#closeUp();
        continue;
      }
      const ready = this.takeReady();
      if (ready !== undefined) return ready;
      // A short batch that is to be left out.
      break;
    }
    this.#checkSomething();
    return undefined;
  }

  #firstError(slot: number): Error {
    const inSlot = this.options.crew.takeBad().filter((bad) => bad.slot === slot);
    const first = inSlot.toSorted((a, b) => a.cell - b.cell)[0] as BadSample;
    return errorFromData(first.error);
  }

  /**
   * Waits for all batches in the making, closes up the gaps that bad samples have left, and has as many samples made
   * anew at the end. Costs a pause of the workers, so it is for the rare case.
   */
  async #closeUp(): Promise<void> {
    const { ring, crew } = this.options;
    await this.options.onCloseUp?.();
    const { batchSize, numSlots } = this.#layout;
    const batches = this.#published - this.#taken;
    for (let k = 0; k < batches; k++) await crew.untilReady((this.#taken + k) % numSlots);
    this.#reportBad();
    let good = 0;
    for (let k = 0; k < batches; k++) {
      const slot = (this.#taken + k) % numSlots;
      const states = this.#states[slot] as Uint8Array;
      for (let cell = 0; cell < (this.#sizes[slot] as number); cell++) {
        if (states[cell] !== SAMPLE_STATE.good) continue;
        this.#move(slot, cell, (this.#taken + Math.floor(good / batchSize)) % numSlots, good % batchSize);
        good++;
      }
    }
    const total = good + Math.max(0, Math.min(batches * batchSize - good, this.#left()));
    this.#published = this.#taken + Math.ceil(total / batchSize);
    for (let k = 0; k < batches; k++) {
      const slot = (this.#taken + k) % numSlots;
      const from = Math.min(batchSize, Math.max(0, good - k * batchSize));
      const to = Math.min(batchSize, Math.max(0, total - k * batchSize));
      if (to > 0) this.#assign(slot, from, to);
      else ring.free(slot);
    }
  }

  #reportBad(): void {
    const bad = this.options.crew.takeBad();
    const { numSlots } = this.#layout;
    const age = ({ slot }: BadSample): number => (slot - (this.#taken % numSlots) + numSlots) % numSlots;
    bad.sort((a, b) => age(a) - age(b) || a.cell - b.cell);
    for (const { slot, cell, error } of bad) {
      const sample = (this.#samples[slot] as Uint32Array)[cell] as number;
      this.options.onSkip({ epoch: this.options.epoch, sample, error: errorFromData(error) });
    }
    this.#assigned -= bad.length;
  }

  #move(fromSlot: number, fromCell: number, toSlot: number, toCell: number): void {
    if (fromSlot === toSlot && fromCell === toCell) return;
    const { ring } = this.options;
    const source = new Uint8Array(ring.memoryOf(fromSlot).buffer);
    const target = new Uint8Array(ring.memoryOf(toSlot).buffer);
    for (const [field, cellBytes] of this.#layout.cellBytes.entries()) {
      const from = cellAt(this.#layout, fromSlot, field, fromCell);
      target.set(source.subarray(from, from + cellBytes), cellAt(this.#layout, toSlot, field, toCell));
    }
    for (const column of [this.#places, this.#samples, this.#draws, this.#states])
      (column[toSlot] as Uint8Array)[toCell] = (column[fromSlot] as Uint8Array)[fromCell] as number;
  }

  /** An epoch of bad samples only is no epoch without samples. */
  #checkSomething(): void {
    if (this.#delivered > 0 || this.#cursor === 0 || this.#assigned > 0) return;
    throw new SampleError({
      problem: `none of the ${this.#cursor} samples that were tried could be loaded`,
      fix: 'run millrace verify, or load with onBadSample "fail" to see the first error',
    });
  }
}
