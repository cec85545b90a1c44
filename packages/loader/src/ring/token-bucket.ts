/*
 * A limit on bytes a second that all workers of a loader share: a token bucket, kept as one position in a stream of bytes
 * (the virtual scheduling algorithm of ITU-T I.371, which is the same as the leaky bucket).
 *
 *            burst            debt: whoever took it sleeps it off
 *       ├───────────────┤├────────────────────┤
 *   ────┴───────────────┴┴────────────────────┴──────▶ bytes since START
 *       lowest       emitted                TAKEN
 *                    (grows with the clock)
 *
 *   state     TAKEN                       the next to take n bytes
 *   full      <= lowest                   TAKEN = lowest + n; there is nothing to wait for, but for n > burst
 *   filling   from lowest to emitted      TAKEN += n; waits for what it passes emitted by
 *   in debt   > emitted                   TAKEN += n; waits until emitted has come to its TAKEN: in the order of taking
 *
 *   word 0   TAKEN   int64   bytes taken, and those that nobody took in time
 *   word 1   START   int64   when the first bytes were taken, in whole ms of the clock, and 1; 0: not yet
 *
 * TAKEN moves by compareExchange only, START once. Emitted is computed from START each time, so no rounding adds up: in
 * any time in which there always is somebody in debt, exactly the bytes that the rate gives are taken. Nothing is held
 * while a worker sleeps, so one that dies or is stopped leaves no more than its debt, for bytes that it has read.
 */
const TAKEN = 0;
const START = 1;
const BUCKET_BYTES = 16;

/** Storage that nobody reads of saves up what it gives in so many milliseconds. */
const BURST_MS = 10;

/** The bucket as one thread sees it. */
export class TokenBucket {
  readonly #words: BigInt64Array;
  readonly #burst: bigint;
  #startedAt: number | undefined;

  /**
   * @param buffer - Made by {@link TokenBucket.allocate}; shared by all threads that take of it.
   * @param bytesPerSec - Above 0; the same for all of them.
   */
  constructor(
    buffer: SharedArrayBuffer,
    readonly bytesPerSec: number,
  ) {
    this.#words = new BigInt64Array(buffer);
    this.#burst = BigInt(Math.max(1, Math.floor((bytesPerSec * BURST_MS) / 1000)));
  }

  /** The state of a bucket that is empty when the first bytes are taken. */
  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(BUCKET_BYTES);
  }

  /**
   * Takes bytes, which are then due.
   * @param bytes - A whole number.
   * @param now - Milliseconds of a clock that is the same in all threads.
   * @returns milliseconds until they are there; 0 if they are.
   */
  take(bytes: number, now: number): number {
    const words = this.#words;
    const emitted = ((now - this.#start(now)) * this.bytesPerSec) / 1000;
    const lowest = BigInt(Math.floor(emitted)) - this.#burst;
    for (;;) {
      const before = Atomics.load(words, TAKEN);
      const after = (before > lowest ? before : lowest) + BigInt(bytes);
      if (Atomics.compareExchange(words, TAKEN, before, after) !== before) continue;
      return Math.max(0, ((Number(after) - emitted) * 1000) / this.bytesPerSec);
    }
  }

  /** When the first bytes were taken, by whatever thread. */
  #start(now: number): number {
    if (this.#startedAt === undefined) {
      const mine = BigInt(Math.floor(now)) + 1n;
      const before = Atomics.compareExchange(this.#words, START, 0n, mine);
      this.#startedAt = Number(before === 0n ? mine : before) - 1;
    }
    return this.#startedAt;
  }
}
