import { WORKER_BYTES, type RingLayout } from "./layout.js";
import type { SharedMemory } from "./shared-memory.js";

/*
 * What a worker is doing, published without locks: a sequence lock. The writer counts SEQUENCE up to an odd number,
 * writes, counts it up again. The reader takes what it read only if SEQUENCE was even and is unchanged. It checks that
 * with an atomic add of 0, which, unlike a load, keeps the reads before it from moving behind it (Boehm, "Can seqlocks
 * get along with programming language memory models?", MSPC 2012).
 *
 *   word 0   SEQUENCE    int32
 *   word 1   STAGE       int32
 *   double 1 SINCE       ms, when the stage began
 *   double 2 FETCH       ms spent in each stage before it
 *   double 3 PREP
 *   double 4 IDLE
 *   double 5 SAMPLE      number of the sample at work; also written alone, between two counts, as it is one word
 *   word 12  THREAD      threadId of the worker's thread
 *   words 13 to 31       what the work took, see effort.ts
 *   words 32 …           the private regions: offset and length of each, as uint32
 */
const SEQUENCE = 0;
const STAGE = 1;
const SINCE = 1;
const SAMPLE = 5;
const THREAD = 12;
const REGIONS = 32;

/** Stages of a worker: not running; waiting for room in the ring; reading from storage; decoding and transforming. */
export const STAGE_OF = { off: 0, idle: 1, fetch: 2, prep: 3 } as const;

/** Number of a stage, one of {@link STAGE_OF}. */
export type Stage = (typeof STAGE_OF)[keyof typeof STAGE_OF];

/** For each stage, the double that sums its time. */
const TOTAL = [0, 4, 2, 3] as const;

/** Private regions that a worker can have. */
export const MAX_REGIONS = 16;

/** What a worker has done until a time: ms in each stage, the present one included. */
export interface ActivitySnapshot {
  fetchMs: number;
  prepMs: number;
  idleMs: number;
  stage: Stage;
  /** When the present stage began, in ms of the clock that the workers use. */
  since: number;
  /** Number of the sample at work; -1 if none was yet. */
  sample: number;
}

/** A snapshot to read into. */
export function createSnapshot(): ActivitySnapshot {
  return { fetchMs: 0, prepMs: 0, idleMs: 0, stage: STAGE_OF.off, since: 0, sample: -1 };
}

/**
 * One worker's block of the shared memory. The worker writes it, or the loader's owner while no thread is the worker;
 * everybody may read it.
 */
export class Activity {
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #regions: Uint32Array;

  constructor(memory: SharedMemory, layout: RingLayout, worker: number) {
    const at = layout.workersAt + worker * WORKER_BYTES;
    this.#words = new Int32Array(memory.buffer, at, REGIONS);
    this.#doubles = new Float64Array(memory.buffer, at, REGIONS / 2);
    this.#regions = new Uint32Array(memory.buffer, at + REGIONS * 4, 2 * MAX_REGIONS);
  }

  /** Writer: ends the present stage and begins another, for a sample (-1: none in particular). */
  enter(stage: Stage, now: number, sample: number): void {
    Atomics.add(this.#words, SEQUENCE, 1);
    const before = this.#words[STAGE] as Stage;
    if (before !== STAGE_OF.off) {
      const total = TOTAL[before];
      this.#doubles[total] = (this.#doubles[total] as number) + now - (this.#doubles[SINCE] as number);
    }
    Atomics.store(this.#words, STAGE, stage);
    this.#doubles[SINCE] = now;
    this.#doubles[SAMPLE] = sample;
    Atomics.add(this.#words, SEQUENCE, 1);
  }

  /** Writer: goes on to another sample in the present stage; much cheaper than {@link Activity.enter}. */
  setSample(sample: number): void {
    this.#doubles[SAMPLE] = sample;
  }

  /** Writer: says which thread the worker is. */
  setThread(threadId: number): void {
    Atomics.store(this.#words, THREAD, threadId);
  }

  /** `threadId` of the worker's thread; 0 before its first. */
  get thread(): number {
    return Atomics.load(this.#words, THREAD);
  }

  /** Any thread: true if the worker holds no claim, as it waits for work or does not run. */
  get isIdle(): boolean {
    const stage = Atomics.load(this.#words, STAGE);
    return stage === STAGE_OF.idle || stage === STAGE_OF.off;
  }

  /** The owner of the loader, when the worker's thread is gone: leaves the block as a worker that stopped would. */
  recover(now: number): void {
    if ((Atomics.load(this.#words, SEQUENCE) & 1) === 1) Atomics.add(this.#words, SEQUENCE, 1);
    if (this.#words[STAGE] !== STAGE_OF.off) this.enter(STAGE_OF.off, now, -1);
  }

  /**
   * Reads what the worker has done until `now`. After a few vain tries against a busy writer it keeps `snapshot` as it
   * was and returns false.
   */
  read(now: number, snapshot: ActivitySnapshot): boolean {
    for (let tries = 0; tries < 100; tries++) {
      const sequence = Atomics.load(this.#words, SEQUENCE);
      if ((sequence & 1) === 1) continue;
      const stage = this.#words[STAGE] as Stage;
      const since = this.#doubles[SINCE] as number;
      const fetchMs = this.#doubles[TOTAL[STAGE_OF.fetch]] as number;
      const prepMs = this.#doubles[TOTAL[STAGE_OF.prep]] as number;
      const idleMs = this.#doubles[TOTAL[STAGE_OF.idle]] as number;
      const sample = this.#doubles[SAMPLE] as number;
      if (Atomics.add(this.#words, SEQUENCE, 0) !== sequence) continue;
      const present = Math.max(0, now - since);
      snapshot.fetchMs = fetchMs + (stage === STAGE_OF.fetch ? present : 0);
      snapshot.prepMs = prepMs + (stage === STAGE_OF.prep ? present : 0);
      snapshot.idleMs = idleMs + (stage === STAGE_OF.idle ? present : 0);
      snapshot.stage = stage;
      snapshot.since = since;
      snapshot.sample = sample;
      return true;
    }
    return false;
  }

  /** Offset and length of a private region; a length of 0 if there is none yet. Kept for the worker's successor. */
  region(number: number): { offset: number; byteLength: number } {
    return { offset: this.#regions[2 * number] as number, byteLength: this.#regions[2 * number + 1] as number };
  }

  /** Remembers where a private region lies. */
  setRegion(number: number, offset: number, byteLength: number): void {
    this.#regions[2 * number] = offset;
    this.#regions[2 * number + 1] = byteLength;
  }
}
