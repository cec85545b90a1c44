import type { Activity } from "../ring/activity.js";
import { growRegion, type SharedMemory } from "../ring/shared-memory.js";

/** The private regions of a worker, by number. */
export const REGION = { scratch: 0, pixels: 1, stageA: 2, stageB: 3 } as const;

/** Readers of whole vectors may read this far past the end of what they are given. */
const MARGIN = 64;

/**
 * Room in the shared memory that one worker has for itself. When it is too small, the memory grows and the region is
 * the new end; the old room stays unused, so a region at least doubles each time.
 */
export class PrivateRegion {
  #offset: number;
  #byteLength: number;

  constructor(
    readonly memory: SharedMemory,
    readonly activity: Activity,
    readonly number: number,
  ) {
    const { offset, byteLength } = activity.region(number);
    this.#offset = offset;
    this.#byteLength = byteLength;
  }

  /** Bytes there are. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /**
   * Makes sure of room for `byteLength` bytes; what was there may be lost.
   * @returns the region's offset in the memory.
   * @throws {@link UnsupportedError} if the memory would pass 4 GiB.
   */
  ensure(byteLength: number): number {
    if (byteLength + MARGIN > this.#byteLength) {
      const region = growRegion(this.memory, Math.max(byteLength + MARGIN, 2 * this.#byteLength));
      this.#offset = region.offset;
      this.#byteLength = region.byteLength;
      this.activity.setRegion(this.number, region.offset, region.byteLength);
    }
    return this.#offset;
  }
}
