/** A pipeline of workers, ring and step as discrete events, from what is injected alone. Pure: no clock, no threads. */

/** Most samples that a worker claims at a time. */
const MAX_RUN = 16;
/** Storage that nobody reads of saves up what it gives in so many milliseconds. */
const BURST_MS = 10;

/**
 * Told of what happens, with the time in ms: a worker begins a stage (`sample` -1 while it waits for room), the step asks
 * for a batch, gets it (`hasWaited` if it was not there), and is done with it.
 * @typedef {{ stage?: (worker: number, stage: "idle" | "fetch" | "prep", now: number, sample: number) => void,
 *   asks?: (batch: number, isThere: boolean, now: number) => void,
 *   gets?: (batch: number, hasWaited: boolean, now: number) => void,
 *   computed?: (batch: number, now: number) => void }} Listener
 */

/**
 * A run of samples that a worker makes.
 * @typedef {{ worker: number, batch: number, to: number, step: number, count: number }} Claim
 */

/** Whether a sample needs no storage: as evenly spread as the injector's. @param {number} sample @param {number} fraction */
const isCached = (sample, fraction) => Math.imul(sample, 0x9e3779b1) >>> 0 < fraction * 2 ** 32;

/** Things to do, by their times; those of one time in the order in which they were put in. */
class Agenda {
  /** @type {{ at: number, act: (now: number) => void }[]} */
  #due = [];

  /** @param {number} at @param {(now: number) => void} act */
  add(at, act) {
    const before = this.#due.findLastIndex((other) => other.at <= at);
    this.#due.splice(before + 1, 0, { at, act });
  }

  run() {
    for (let next = this.#due.shift(); next !== undefined; next = this.#due.shift()) next.act(next.at);
  }
}

/** Storage that gives a sample every `storageMs`, to whoever asks, in the order of asking. */
class Storage {
  #takenMs = 0;

  /** @param {number} storageMs */
  constructor(storageMs) {
    this.storageMs = storageMs;
  }

  /** How long it takes until a sample is there. @param {number} now */
  wait(now) {
    if (this.storageMs === 0) return 0;
    this.#takenMs = Math.max(this.#takenMs, now - BURST_MS) + this.storageMs;
    return Math.max(0, this.#takenMs - now);
  }
}

/** The ring, its workers and its step. */
class Pipeline {
  agenda = new Agenda();
  /** Cells of each batch that are still to be made; the first batches are offered at once. @type {number[]} */
  missing = [];
  claimBatch = 0;
  claimCell = 0;
  /** Workers that wait for room. @type {number[]} */
  parked = [];
  /** The batch that the step waits for. @type {number | undefined} */
  awaited;

  /** @param {import("./cells.mjs").Cell} cell @param {number} batches @param {boolean} inRuns @param {Listener} on */
  constructor(cell, batches, inRuns, on) {
    this.cell = cell;
    this.batches = batches;
    this.inRuns = inRuns;
    this.on = on;
    this.storage = new Storage(cell.storageMs);
    this.depth = Math.min(8, Math.max(2, 2 * cell.numWorkers));
    this.runLength = Math.min(MAX_RUN, Math.ceil(cell.batchSize / (4 * cell.numWorkers)));
  }

  run() {
    for (let worker = 0; worker < this.cell.numWorkers; worker++) this.agenda.add(0, (now) => this.claim(worker, now));
    this.agenda.add(0, (now) => this.ask(0, now));
    this.agenda.run();
  }

  /** @param {number} worker @param {number} now */
  claim(worker, now) {
    const { batchSize } = this.cell;
    if (this.claimBatch === this.missing.length) {
      this.on.stage?.(worker, "idle", now, -1);
      this.parked.push(worker);
      return;
    }
    const batch = this.claimBatch;
    const from = this.claimCell;
    const to = Math.min(batchSize, from + this.runLength);
    this.claimCell = to === batchSize ? 0 : to;
    if (to === batchSize) this.claimBatch++;
    const step = this.inRuns ? to - from : 1;
    this.make({ worker, batch, to, step, count: to - from }, from, now);
  }

  /**
   * Fetches `step` samples, prepares them, and goes on with the next.
   * @param {Claim} claim @param {number} at @param {number} now
   */
  make(claim, at, now) {
    const { worker, batch, to, step, count } = claim;
    if (at === to) {
      this.finish(batch, count, now);
      this.claim(worker, now);
      return;
    }
    const sample = batch * this.cell.batchSize + at;
    this.on.stage?.(worker, "fetch", now, sample);
    this.fetch(sample, sample + step, now, (then) => {
      this.on.stage?.(worker, "prep", then, sample);
      this.agenda.add(then + this.cell.prepMs * step, (later) => this.make(claim, at + step, later));
    });
  }

  /** One sample after the other. @param {number} sample @param {number} end @param {number} now @param {(now: number) => void} done */
  fetch(sample, end, now, done) {
    const { latencyMs, cachedFraction } = this.cell;
    const next = (/** @type {number} */ then) => this.fetch(sample + 1, end, then, done);
    if (sample === end) done(now);
    else if (isCached(sample, cachedFraction)) next(now);
    else this.agenda.add(now + latencyMs, (then) => this.agenda.add(then + this.storage.wait(then), next));
  }

  /** @param {number} batch @param {number} count @param {number} now */
  finish(batch, count, now) {
    const missing = (this.missing[batch] ?? 0) - count;
    this.missing[batch] = missing;
    if (missing === 0 && this.awaited === batch) this.deliver(batch, true, now);
  }

  /** The step gives back what it has, which is offered anew, and wants the next. @param {number} batch @param {number} now */
  ask(batch, now) {
    while (this.missing.length < Math.min(this.batches, batch + this.depth + 1)) this.missing.push(this.cell.batchSize);
    for (const worker of this.parked.splice(0)) this.agenda.add(now, (then) => this.claim(worker, then));
    if (batch === this.batches) return;
    const isThere = this.missing[batch] === 0;
    this.on.asks?.(batch, isThere, now);
    if (isThere) this.deliver(batch, false, now);
    else this.awaited = batch;
  }

  /** @param {number} batch @param {boolean} hasWaited @param {number} now */
  deliver(batch, hasWaited, now) {
    this.awaited = undefined;
    this.on.gets?.(batch, hasWaited, now);
    this.agenda.add(now + this.cell.computeMs, (then) => {
      this.on.computed?.(batch, then);
      this.ask(batch + 1, then);
    });
  }
}

/**
 * Runs `batches` batches.
 * @param {import("./cells.mjs").Cell} cell
 * @param {number} batches
 * @param {boolean} inRuns workers fetch all samples of a claim before they prepare them, and not each by itself
 * @param {Listener} [on]
 */
export function simulate(cell, batches, inRuns, on = {}) {
  new Pipeline(cell, batches, inRuns, on).run();
}
