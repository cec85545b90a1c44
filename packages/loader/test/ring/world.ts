import { Activity, STAGE_OF } from "../../dist/ring/activity.js";
import type { RingLayout } from "../../dist/ring/layout.js";
import { Ring } from "../../dist/ring/ring.js";
import { Deaths } from "../../dist/worker/deaths.js";
import { consume } from "./model-consumer.js";
import { work } from "./model-worker.js";
import { AT, Scene, type Instance, type Thread } from "./scene.js";
import { Stepper } from "./stepper.js";

/** Words of a slot's header, and what closes a slot. */
const WORD = { claim: 0, end: 1, epoch: 2 } as const;
const CELL_MASK = 0xfffff;
/** A signal that is over. */
const STALE = 9999;
/** Before the few numbers that take two characters. */
const ESCAPE = 0xffff;
const [CONTROL_WORDS, WORKER_WORDS, SLOT_WORDS] = [64, 64, 52];

/** The shared memory, as small as may be: it is copied at each step. */
function layOut({ numWorkers, numSlots }: Instance): RingLayout {
  const slotsAt = 4 * (CONTROL_WORDS + numWorkers * WORKER_WORDS);
  const memoryBytes = slotsAt + numSlots * 4 * SLOT_WORDS;
  return {
    numWorkers,
    numSlots,
    batchSize: 2,
    controlAt: 0,
    workersAt: 4 * CONTROL_WORDS,
    slotsAt,
    slotStride: 4 * SLOT_WORDS,
    samplesAt: 176,
    drawsAt: 184,
    statesAt: 192,
    cellsAt: [200],
    cellBytes: [1],
    numMemories: 1,
    slotsPerMemory: numSlots,
    memoryBytes,
    maxMemoryBytes: memoryBytes,
    byteLength: memoryBytes,
  };
}

/**
 * One consumer and some workers on a ring, the code of which is the real one and runs one atomic operation at a time.
 * A world can be saved as a string and loaded again.
 */
export class World {
  readonly #words: Int32Array;
  readonly #activities: readonly Activity[];
  readonly #layout: RingLayout;
  /** Words that are not the same in all worlds. */
  readonly #saved: readonly number[];
  /** Of each worker, the word that says what it does. */
  readonly #stages: readonly number[];
  readonly #threads: Thread[];
  readonly #stepper: Stepper;
  readonly #scene: Scene;
  #left: { deaths: number; losses: number; aborts: number };
  #running = 0;
  /** What is being loaded, and how far. */
  #text = "";
  #place = 0;
  /** The next notification gets lost. */
  #loses = false;

  constructor(readonly instance: Instance) {
    const { numWorkers, numSlots, deaths, losses, aborts } = instance;
    this.#layout = layOut(instance);
    const memory = { buffer: new SharedArrayBuffer(this.#layout.byteLength), grow: () => 0 };
    this.#words = new Int32Array(memory.buffer);
    const ring = new Ring([memory], this.#layout);
    ring.reset();
    this.#activities = range(numWorkers).map((worker) => new Activity(memory, this.#layout, worker));
    for (const activity of this.#activities) activity.enter(STAGE_OF.prep, 0, -1);
    const slotsAt = this.#layout.slotsAt / 4;
    const slotWords = [0, 1, 2, 32, 33, 34, 44, 45, 48, 50];
    const slots = range(numSlots).flatMap((slot) => slotWords.map((word) => slotsAt + slot * SLOT_WORDS + word));
    this.#saved = [0, 32, 33, ...slots];
    this.#stages = range(numWorkers).map((worker) => CONTROL_WORDS + worker * WORKER_WORDS + 1);
    const fresh = { sleepsAt: -1, a: 0, b: 0, c: 0, d: 0 };
    const beginnings = [AT.fills, ...range(numWorkers).map(() => AT.open)];
    this.#threads = beginnings.map((at) => ({ ...fresh, at, results: [] }));
    this.#left = { deaths, losses, aborts };
    this.#stepper = new Stepper(this.#words, {
      sleep: (place) => {
        (this.#threads[this.#running] as Thread).sleepsAt = place;
      },
      wake: (place) => this.#wake(place),
      isQuiet: (place) => this.#isQuiet(place),
    });
    this.#scene = new Scene({
      instance,
      layout: this.#layout,
      ring,
      activities: this.#activities,
      words: this.#words,
      bytes: new Uint8Array(memory.buffer),
      threads: this.#threads,
      deaths: new Deaths(numWorkers),
      stepper: this.#stepper,
    });
  }

  /** What must not happen, and did. */
  get wrong(): ReadonlySet<string> {
    return this.#scene.wrong;
  }

  /** Leaves `Atomics` as it was. */
  remove(): void {
    this.#stepper.remove();
  }

  #wake(place: number): void {
    if (!this.#threads.some((thread) => thread.sleepsAt === place)) return;
    if (this.#loses) {
      this.#loses = false;
      this.#left.losses--;
      return;
    }
    for (const thread of this.#threads) if (thread.sleepsAt === place) thread.sleepsAt = -1;
  }

  /**
   * Of a slot that is being published nobody has a claim, so its counts are the consumer's only, and CLAIM is until it is
   * open; the epoch of a slot does not change while a worker has a claim.
   */
  #isQuiet(place: number): boolean {
    const word = (place - this.#layout.slotsAt / 4) % SLOT_WORDS;
    const { at, results } = this.#threads[this.#running] as Thread;
    if (at === AT.claims) return word === WORD.epoch;
    if (at !== AT.publishes) return false;
    return word >= WORD.epoch || (word === WORD.claim && results.length < 7);
  }

  /**
   * Forgets what makes no difference any more: how high SIGNAL is, if not that a worker has read another, and what a
   * claim has seen of slots that had no cell left, or of an exchange that failed.
   */
  #forget(): void {
    const signal = this.#words[0] as number;
    this.#words[0] = 0;
    for (const [number, thread] of this.#threads.entries()) {
      if (number === 0) continue;
      if (thread.at >= AT.claims && thread.at <= AT.waitsForWork && thread.at !== AT.makes && thread.at !== AT.finishes)
        thread.a = thread.a === signal ? 0 : STALE;
      if (thread.at === AT.claims) this.#forgetVain(thread.results);
    }
  }

  #forgetVain(results: number[]): void {
    for (let at = 1; at + 1 < results.length;) {
      const [word, end, found] = results.slice(at, at + 3) as [number, number, number | undefined];
      if (end - (word & CELL_MASK) <= 0) {
        results[at++] = CELL_MASK;
        results[at++] = 0;
      } else if (found !== undefined && found !== word) results.splice(at, 3);
      else return;
    }
  }

  /** The world in a string: the same for worlds in which the same can happen. Workers have no names. */
  save(): string {
    this.#forget();
    const { deaths, losses, aborts } = this.#left;
    const start = textOf(deaths) + textOf(losses) + textOf(aborts);
    let memory = "";
    for (const word of this.#saved) memory += textOf(this.#words[word] as number);
    const workers: string[] = [];
    for (let worker = 0; worker < this.instance.numWorkers; worker++)
      workers.push(textOf(this.#words[this.#stages[worker] as number] as number) + this.#saveThread(worker + 1));
    return start + memory + this.#saveThread(0) + workers.toSorted().join("");
  }

  #saveThread(number: number): string {
    const { at, sleepsAt, a, b, c, d, results } = this.#threads[number] as Thread;
    let text = textOf(at) + textOf(sleepsAt) + textOf(a) + textOf(b) + textOf(c) + textOf(d) + textOf(results.length);
    for (const result of results) text += textOf(result);
    return text;
  }

  load(text: string): void {
    this.#text = text;
    this.#place = 0;
    this.#left = { deaths: this.#next(), losses: this.#next(), aborts: this.#next() };
    for (const word of this.#saved) this.#words[word] = this.#next();
    for (const [number, thread] of this.#threads.entries()) {
      if (number > 0) this.#words[this.#stages[number - 1] as number] = this.#next();
      thread.at = this.#next();
      thread.sleepsAt = this.#next();
      thread.a = this.#next();
      thread.b = this.#next();
      thread.c = this.#next();
      thread.d = this.#next();
      thread.results = [];
      for (let left = this.#next(); left > 0; left--) thread.results.push(this.#next());
    }
  }

  #next(): number {
    const code = this.#text.charCodeAt(this.#place++);
    if (code !== ESCAPE) return code;
    return (this.#text.charCodeAt(this.#place++) << 16) | this.#text.charCodeAt(this.#place++);
  }

  /**
   * All that can happen next, as functions that make it happen, a world each. Sleepers time out only where nobody else
   * can move.
   */
  moves(): { readonly list: (() => void)[]; readonly areDeadlines: boolean } {
    const list: (() => void)[] = [];
    const consumer = this.#threads[0] as Thread;
    const { deaths, losses, aborts } = this.#left;
    for (const [number, thread] of this.#threads.entries()) {
      const canRun = this.#canRun(number);
      if (canRun) list.push(() => this.#run(number, false));
      if (canRun && losses > 0) list.push(() => this.#run(number, true));
      const isAlive = thread.at !== AT.gone && thread.at !== AT.dead;
      if (isAlive && number > 0 && deaths > 0) list.push(() => this.#kill(thread));
      if (thread.at === AT.dead && this.#isAwaiting(consumer)) list.push(() => this.#bury(number));
    }
    const isBetween = consumer.results.length === 0 || consumer.at === AT.waitsForBatch;
    if (aborts > 0 && isBetween && consumer.at < AT.drains) list.push(() => this.#abort());
    // A consumer that knows of a death looks every few milliseconds, whatever the others do.
    if (consumer.sleepsAt >= 0 && consumer.c === 1) list.push(() => void (consumer.sleepsAt = -1));
    if (list.length > 0) return { list, areDeadlines: false };
    for (const thread of this.#threads) if (thread.sleepsAt >= 0) list.push(() => void (thread.sleepsAt = -1));
    return { list, areDeadlines: list.length > 0 };
  }

  /** True while the consumer's thread does other things. */
  #isAwaiting({ at, results }: Thread): boolean {
    return (at === AT.waitsForBatch && results.length === 1) || at === AT.holds || at === AT.joins;
  }

  /** True when all threads have come to their end. */
  get isOver(): boolean {
    return this.#threads.every((thread) => thread.at === AT.gone);
  }

  /** How it ended, and in which state of the table of `ring.ts` each slot is. */
  get ending(): string {
    const consumer = this.#threads[0] as Thread;
    const slots = range(this.instance.numSlots).map((slot) => this.#nameOf(slot));
    return `${consumer.b === this.instance.sizes.length ? "all taken" : "aborted"}: ${slots.join(" ")}`;
  }

  #nameOf(slot: number): string {
    const at = this.#layout.slotsAt / 4 + slot * SLOT_WORDS;
    const [claim, end, missing, ready] = [0, 1, 32, 33].map((word) => this.#words[at + word]) as [
      number,
      number,
      number,
      number,
    ];
    const cell = claim & CELL_MASK;
    const isHeld = this.#scene.batchIn(slot) < (this.#threads[0] as Thread).b;
    if (ready === 1 && missing === 0 && cell === end) return isHeld ? "HELD" : "READY";
    if (ready === 0 && missing === 0 && cell > end) return "FREE";
    if (ready === 0 && cell === end) return "CLAIMED";
    if (ready === 0 && missing > 0 && cell < end) return "OPEN";
    return `claim ${cell} of ${end}, missing ${missing}, ready ${ready}`;
  }

  #canRun(number: number): boolean {
    const thread = this.#threads[number] as Thread;
    if (thread.sleepsAt >= 0 || thread.at === AT.gone || thread.at === AT.dead) return false;
    return thread.at !== AT.joins || this.#threads.every((other) => other === thread || other.at === AT.gone);
  }

  #kill(thread: Thread): void {
    thread.at = AT.dead;
    thread.sleepsAt = -1;
    thread.results = [];
    thread.a = thread.b = thread.c = thread.d = 0;
    this.#left.deaths--;
  }

  /** What the pool does when it hears of a death, which is while the consumer awaits something. */
  #bury(number: number): void {
    const [consumer, thread] = [this.#threads[0], this.#threads[number]] as [Thread, Thread];
    const activity = this.#activities[number - 1] as Activity;
    activity.recover(0);
    consumer.c = 1;
    if (consumer.at === AT.waitsForBatch) consumer.sleepsAt = -1;
    const isNeeded = consumer.d === 0;
    thread.at = isNeeded ? AT.open : AT.gone;
    if (isNeeded) activity.enter(STAGE_OF.prep, 0, -1);
  }

  #abort(): void {
    const consumer = this.#threads[0] as Thread;
    consumer.at = AT.stops;
    consumer.sleepsAt = -1;
    consumer.results = [];
    consumer.d = 1;
    this.#left.aborts--;
  }

  #run(number: number, loses: boolean): void {
    this.#running = number;
    this.#loses = loses;
    const thread = this.#threads[number] as Thread;
    if (number === 0) consume(this.#scene, thread);
    else work(this.#scene, thread, number - 1);
  }
}

function textOf(number: number): string {
  return number >= 0 && number < ESCAPE
    ? String.fromCharCode(number)
    : String.fromCharCode(ESCAPE, number >>> 16, number & 0xffff);
}

function range(length: number): number[] {
  return Array.from({ length }, (_, number) => number);
}
