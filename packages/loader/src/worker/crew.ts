import type { BadSample } from "./protocol.js";

/** Who fills the slots of a ring: threads, or the calling thread itself. */
export interface Crew {
  /** True once it cannot be started again. */
  readonly isClosed: boolean;
  /** Begins to fill what is published, or goes on with it, until the ring is stopped or drained. */
  start(): void;
  /**
   * Resolves once the slot is READY.
   * @throws {@link WorkerError} if a worker died or hangs; whatever {@link Crew.interrupt} was given.
   */
  untilReady(slot: number): Promise<void>;
  /** The samples that could not be made, reported since the last call. */
  takeBad(): BadSample[];
  /** Forgets what was reported of a slot. */
  dropBad(slot: number): void;
  /** Makes a pending and every later {@link Crew.untilReady} fail with `reason`. */
  interrupt(reason: unknown): void;
  /** After the ring was stopped: resolves when nobody touches its memory any more. What it takes to start again stays. */
  rest(): Promise<void>;
  /** Ends all threads and closes all files. The ring must have been stopped. Idempotent. */
  close(): Promise<void>;
}
