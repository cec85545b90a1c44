import { memoryOf, slotAt, type RingLayout } from "./layout.js";
import type { SharedMemory } from "./shared-memory.js";
import { AsyncWait, waitFor } from "./wait.js";

/*
 * The ring: slots of shared memory, each with room for one batch. One consumer, any number of workers. Batch k of an
 * iteration lies in slot k mod numSlots; batches are published and taken in order, made in any order.
 *
 *   memory 0   control words | workers' blocks | slot 0 … slot s-1  | workers' private regions
 *   memory 1                                     slot s … slot 2s-1 | workers' private regions      (only where the slots
 *   …                                                                                               do not fit into one)
 *
 * A slot lies in one memory, and so does a claim: whoever makes its samples works on that memory only, with kernels and
 * regions of that memory. The states below know nothing of it.
 *
 *            publish                    claim (by runs)                     finish (the last one)
 *   FREE ───────────────▶ OPEN ─────────────────────────▶ CLAIMED ───────────────────────────▶ READY
 *    ▲   consumer                 workers, CAS on CLAIM              workers, sub on MISSING     │ consumer takes it
 *    └──────────────────────────────────────── the consumer asks for the next batch ────────── HELD
 *
 *   state     CLAIM             MISSING        READY   who may touch the cells
 *   FREE      cell >  END       0              0       consumer
 *   OPEN      cell <  END       > 0            0       a worker, those it has claimed
 *   CLAIMED   cell == END       >= 0           0       a worker, those it has claimed
 *   READY     cell == END       0              1       consumer
 *   HELD      cell == END       0              1       consumer; it has given views of them to its caller
 *
 * CLAIM is one word: a generation, counted up by each publish, and the next cell that nobody has claimed. A worker
 * reads CLAIM, then END, then moves CLAIM on by compareExchange. The generation makes the exchange fail if the slot was
 * published anew between the two, so an END of one batch is never used with the CLAIM of another. `publish` closes
 * CLAIM (no cell is that high) before it writes END, and opens it last. After a successful claim, END, EPOCH and the
 * sample numbers cannot change before the claimer has finished, because MISSING is above 0 until then.
 *
 * A worker that died keeps its claim, so its slot stays CLAIMED. The consumer takes the claim back when that is certain:
 * no slot is OPEN, so nobody can claim anything, and every worker alive is idle, so nobody holds a claim. (A worker
 * publishes that it is no longer idle before it claims.) The cells whose states are still `missing` are the lost ones;
 * `reoffer` makes their slot OPEN again, or READY if there are none, as where a worker died between its sub that brought
 * MISSING to 0 and READY. A cell that is OPEN and `bad` is one of a quarantined sample between others: it is claimed and
 * finished with them, and nobody makes it.
 *
 * Who waits for what:
 *   workers    SIGNAL, which every publish and `stop` count up and then notify. A worker reads SIGNAL *before* it looks
 *              for work; if work came in between, SIGNAL is another and the wait returns at once.
 *   consumer   READY of the one slot it needs, which `finish` sets and then notifies.
 * Cells are plain memory. A worker's writes come before its sub on MISSING; the worker that brings MISSING to 0 has seen
 * all other subs; it sets READY; the consumer sees READY. So all cells of a READY slot are visible.
 *
 * Tests run this code one atomic operation at a time and visit every state of small rings: two slots, two workers, three
 * batches, with a death, a lost notification or an abort at any moment, 58,252 to 408,727 states (`exhaustive.test.ts`).
 */

/** Control words, in words of 4 bytes. HEAD is a hint: the batch that the consumer takes next. */
const SIGNAL = 0;
const STOP = 32;
const HEAD = 33;
const CONTROL_WORDS = 34;

/** When workers return: not before they are told; when there is nothing to claim; at once. */
const STOP_OF = { never: 0, now: 1, idle: 2 } as const;

/** Words of a slot's header. What workers fight for lies apart from what they only read. */
const CLAIM = 0;
const END = 1;
const EPOCH = 2;
const MISSING = 32;
const READY = 33;
const BAD = 34;
/** The time when the slot became READY, a double, in doubles of 8 bytes from the beginning of the header. */
const READY_AT = 20;
const HEADER_WORDS = 42;

const CELL_BITS = 20;
const CELL_MASK = 2 ** CELL_BITS - 1;
/** Most samples of a batch: the cell number that closes a slot is above. */
export const MAX_BATCH_SIZE: number = CELL_MASK - 1;

/** State of a sample in its slot. */
export const SAMPLE_STATE = { missing: 0, good: 1, bad: 2 } as const;

/** A run of cells of a slot that belongs to one worker until it calls `finish`. Mutable, so that a worker needs one only. */
export interface Claim {
  slot: number;
  /** First cell. */
  cell: number;
  count: number;
  epoch: number;
}

/** The states of a ring, on the shared memories that its layout describes. Each thread has one of its own. */
export class Ring {
  readonly #control: Int32Array;
  /** The header of each slot as words, and as doubles. */
  readonly #headers: readonly Int32Array[];
  readonly #doubles: readonly Float64Array[];
  readonly #wait = new AsyncWait();
  #abandoned: { readonly reason: Error } | undefined;

  constructor(
    /** As many as the layout has. */
    readonly memories: readonly SharedMemory[],
    readonly layout: RingLayout,
  ) {
    const slots = Array.from({ length: layout.numSlots }, (_, slot) => slot);
    this.#control = new Int32Array(this.#buffer(0), layout.controlAt, CONTROL_WORDS);
    this.#headers = slots.map((slot) => new Int32Array(this.#buffer(slot), slotAt(layout, slot), HEADER_WORDS));
    this.#doubles = slots.map((slot) => new Float64Array(this.#buffer(slot), slotAt(layout, slot), HEADER_WORDS / 2));
  }

  #buffer(slot: number): SharedArrayBuffer {
    return this.memoryOf(slot).buffer;
  }

  #header(slot: number): Int32Array {
    return this.#headers[slot] as Int32Array;
  }

  /** The memory that a slot lies in. */
  memoryOf(slot: number): SharedMemory {
    return this.memories[memoryOf(this.layout, slot)] as SharedMemory;
  }

  /** Consumer: a thread that cannot be ended may still write to the memory, so it is not to be used again. */
  abandon(reason: Error): void {
    this.#abandoned ??= { reason };
  }

  /**
   * Consumer: makes every slot FREE and takes back a stop. No worker may be running.
   * @throws the reason for which the ring was abandoned.
   */
  reset(): void {
    if (this.#abandoned !== undefined) throw this.#abandoned.reason;
    for (let slot = 0; slot < this.layout.numSlots; slot++) this.free(slot);
    Atomics.store(this.#control, HEAD, 0);
    Atomics.store(this.#control, STOP, 0);
  }

  /** Consumer: makes a slot FREE. It must not be OPEN or CLAIMED. */
  free(slot: number): void {
    const header = this.#header(slot);
    const generation = Atomics.load(header, CLAIM) & ~CELL_MASK;
    Atomics.store(header, CLAIM, generation | CELL_MASK);
    Atomics.store(header, MISSING, 0);
    Atomics.store(header, READY, 0);
    Atomics.store(header, BAD, 0);
  }

  /**
   * Consumer: offers the cells `[from, to)` of a slot to the workers; the cells before `from` are there already. The
   * sample numbers must have been written. FREE, READY or HELD become OPEN; READY at once if there is nothing to do.
   */
  publish(slot: number, from: number, to: number, epoch: number): void {
    this.free(slot);
    const header = this.#header(slot);
    const generation = Atomics.load(header, CLAIM) & ~CELL_MASK;
    Atomics.store(header, END, to);
    Atomics.store(header, EPOCH, epoch | 0);
    Atomics.store(header, MISSING, to - from);
    if (from === to) Atomics.store(header, READY, 1);
    Atomics.store(header, CLAIM, (generation + CELL_MASK + 1) | from);
    this.#wakeWorkers();
  }

  /** Consumer: says which batch it takes next, so that workers look there first. */
  setHead(batch: number): void {
    Atomics.store(this.#control, HEAD, batch % this.layout.numSlots);
  }

  /** Consumer: makes the workers return at once, whatever they have claimed. */
  stop(): void {
    this.#setStop(STOP_OF.now);
  }

  /** Consumer: makes the workers return once nothing is left to claim. */
  drain(): void {
    this.#setStop(STOP_OF.idle);
  }

  /** Consumer: takes back a `drain`. A worker may have returned already. */
  resume(): void {
    this.#setStop(STOP_OF.never);
  }

  #setStop(stop: number): void {
    Atomics.store(this.#control, STOP, stop);
    this.#wakeWorkers();
    this.#wait.rest();
  }

  /** True after `stop`, until `reset`. */
  get stopped(): boolean {
    return Atomics.load(this.#control, STOP) === STOP_OF.now;
  }

  /** Worker: true if it is to return instead of waiting for work. */
  get isDraining(): boolean {
    return Atomics.load(this.#control, STOP) !== STOP_OF.never;
  }

  #wakeWorkers(): void {
    Atomics.add(this.#control, SIGNAL, 1);
    Atomics.notify(this.#control, SIGNAL);
  }

  /** Worker: to be read before looking for work. */
  get signal(): number {
    return Atomics.load(this.#control, SIGNAL);
  }

  /** Worker: blocks until there was a publish or a stop since `signal` was read, or for `timeoutMs`. */
  waitForWork(signal: number, timeoutMs: number): void {
    waitFor(this.#control, SIGNAL, signal, timeoutMs);
  }

  /** Worker: claims up to `runLength` cells of the oldest batch that has any left. False if there are none. */
  claim(runLength: number, claim: Claim): boolean {
    const { numSlots } = this.layout;
    const head = Atomics.load(this.#control, HEAD);
    for (let step = 0; step < numSlots; step++) {
      const slot = (head + step) % numSlots;
      const header = this.#header(slot);
      for (;;) {
        const word = Atomics.load(header, CLAIM);
        const cell = word & CELL_MASK;
        const count = Math.min(runLength, Atomics.load(header, END) - cell);
        if (count <= 0) break;
        if (Atomics.compareExchange(header, CLAIM, word, word + count) !== word) continue;
        claim.slot = slot;
        claim.cell = cell;
        claim.count = count;
        claim.epoch = Atomics.load(header, EPOCH) >>> 0;
        return true;
      }
    }
    return false;
  }

  /** Worker: gives a claim back, all of its cells written, `bad` of them bad. */
  finish(claim: Claim, bad: number, now: number): void {
    const header = this.#header(claim.slot);
    if (bad > 0) Atomics.add(header, BAD, bad);
    if (Atomics.sub(header, MISSING, claim.count) !== claim.count) return;
    (this.#doubles[claim.slot] as Float64Array)[READY_AT] = now;
    Atomics.store(header, READY, 1);
    Atomics.notify(header, READY);
  }

  /** Consumer: true if a worker could claim cells of any slot. */
  get hasOpen(): boolean {
    for (let slot = 0; slot < this.layout.numSlots; slot++) {
      const header = this.#header(slot);
      const cell = Atomics.load(header, CLAIM) & CELL_MASK;
      if (cell < Atomics.load(header, END)) return true;
    }
    return false;
  }

  /**
   * Consumer: the cells of a CLAIMED slot that nobody has made, from the first to the last of them, where no worker
   * holds a claim any more; `undefined` if the slot does not wait for any. Empty, at its end, if all were made, but a
   * worker died before it said so. It needs the states of all cells to have been `missing` when they were published.
   */
  lostCells(slot: number): { readonly from: number; readonly to: number } | undefined {
    const header = this.#header(slot);
    const end = Atomics.load(header, END);
    // A FREE slot's cell is higher. MISSING says nothing: a worker may die after it has brought it to 0.
    if ((Atomics.load(header, CLAIM) & CELL_MASK) !== end || this.isReady(slot)) return undefined;
    const states = this.states(slot).subarray(0, end);
    const from = states.indexOf(SAMPLE_STATE.missing);
    return from === -1 ? { from: end, to: end } : { from, to: states.lastIndexOf(SAMPLE_STATE.missing) + 1 };
  }

  /**
   * Consumer: offers cells `[from, to)` of a CLAIMED slot once more, after no worker holds a claim of them any more.
   * Those made before are made anew, with the same result, but for those that are to be `bad`: they get that state, and
   * whoever claims a cell of it leaves it so.
   */
  reoffer(slot: number, from: number, to: number, bad: ReadonlySet<number>): void {
    const states = this.states(slot);
    let badBefore = 0;
    for (let cell = 0; cell < states.length; cell++) {
      const isOffered = cell >= from && cell < to;
      if (isOffered) states[cell] = bad.has(cell) ? SAMPLE_STATE.bad : SAMPLE_STATE.missing;
      else if (states[cell] === SAMPLE_STATE.bad) badBefore++;
    }
    this.publish(slot, from, to, Atomics.load(this.#header(slot), EPOCH) >>> 0);
    Atomics.add(this.#header(slot), BAD, badBefore);
  }

  /** Consumer: true if all cells of a published slot are there. */
  isReady(slot: number): boolean {
    return Atomics.load(this.#header(slot), READY) === 1;
  }

  /** Consumer: bad samples among the cells of a READY slot that its last publish offered. */
  badCount(slot: number): number {
    return Atomics.load(this.#header(slot), BAD);
  }

  /** Consumer: when a READY slot became so, by the clock of the worker that finished it. */
  readyAt(slot: number): number {
    return (this.#doubles[slot] as Float64Array)[READY_AT] as number;
  }

  /** Consumer: resolves once the slot is READY, or `wakeConsumer` was called, or after `timeoutMs`. Look again then. */
  waitForReady(slot: number, timeoutMs: number): Promise<void> {
    return this.#wait.until(this.#header(slot), READY, 0, timeoutMs);
  }

  /** Consumer: how often it has waited for something. */
  get waits(): number {
    return this.#wait.count;
  }

  /** Any thread: makes a consumer that waits for `slot` look again. */
  wakeConsumer(slot: number): void {
    Atomics.notify(this.#header(slot), READY);
  }

  /** Sample numbers of a slot, uint32 `[batchSize]`: a view. */
  samples(slot: number): Uint32Array {
    const { layout } = this;
    return new Uint32Array(this.#buffer(slot), slotAt(layout, slot) + layout.samplesAt, layout.batchSize);
  }

  /** What keys the transforms' randomness, beside seed and epoch, for a slot's samples, uint32 `[batchSize]`: a view. */
  draws(slot: number): Uint32Array {
    const { layout } = this;
    return new Uint32Array(this.#buffer(slot), slotAt(layout, slot) + layout.drawsAt, layout.batchSize);
  }

  /** States of a slot's samples, see {@link SAMPLE_STATE}, uint8 `[batchSize]`: a view. */
  states(slot: number): Uint8Array {
    const { layout } = this;
    return new Uint8Array(this.#buffer(slot), slotAt(layout, slot) + layout.statesAt, layout.batchSize);
  }
}
