import type { Lane } from "./lane.js";
import type { ShardTable } from "./shard-table.js";

/** Values that are read together take so many bytes at most: for larger ones, a read of their own costs nothing more. */
const MERGED_BYTES = 2 ** 20;

/** Values of one field that lie in memory one behind the other: those of the places `start` to `end` of the run. */
interface Span {
  start: number;
  end: number;
  /** Where the first one lies; -1: they could not be read together. */
  at: number;
  /** Of each value. */
  byteLength: number;
}

/**
 * Reads values of a run that lie one right behind the other in a shard by one read: those of samples whose numbers follow
 * one another, as in a sequential order. Values of a field are asked for in the run's order. Each counts as read when it
 * is taken, and where the system or the file refuses the read of all, each is to be read by itself, which tells whose
 * fault it is. For one thread and one run at a time.
 */
export class MergedReads {
  readonly #spans: readonly Span[];
  #lanes: readonly Lane[] = [];
  #count = 0;
  /** Some samples of the run follow one another. */
  #isOn = false;
  /** Place behind the last of the samples that follow one another. */
  #end = 0;

  constructor(
    readonly table: Pick<ShardTable, "adjoining" | "tryRead">,
    numFields: number,
  ) {
    this.#spans = Array.from({ length: numFields }, () => ({ start: 0, end: 0, at: -1, byteLength: 0 }));
  }

  /** Begins a run: the first `count` lanes. Nothing that was read before is found any more. */
  begin(lanes: readonly Lane[], count: number): void {
    let next = -1;
    this.#isOn = false;
    for (let place = 0; place < count && !this.#isOn; place++) {
      const { sample } = lanes[place] as Lane;
      this.#isOn = sample === next;
      next = sample + 1;
    }
    if (!this.#isOn) return;
    this.#lanes = lanes;
    this.#count = count;
    this.#end = 0;
    for (const span of this.#spans) span.end = 0;
  }

  /** Where the lane's value lies, as it was read together with others; -1 if it was not. */
  find({ place }: Lane, field: number): number {
    if (!this.#isOn) return -1;
    const span = this.#spans[field] as Span;
    return place < span.end && span.at !== -1 ? span.at + (place - span.start) * span.byteLength : -1;
  }

  /** How many values, from the lane's on, can be read together; 1: only itself. */
  plan(lane: Lane, field: number, byteLength: number): number {
    if (!this.#isOn) return 1;
    const follow = this.#following(lane);
    if (follow === 1 || lane.place < (this.#spans[field] as Span).end) return 1;
    const rows = Math.min(follow, Math.floor(MERGED_BYTES / byteLength));
    return rows <= 1 ? 1 : this.table.adjoining(lane.shard, field, lane.row, rows, byteLength);
  }

  /**
   * Reads the `values` that {@link MergedReads.plan} has just told of to `target` at `at`.
   * @returns false if they cannot be read together: then the lane's is to be read by itself.
   */
  read(lane: Lane, field: number, values: number, byteLength: number, target: Uint8Array, at: number): boolean {
    const span = this.#spans[field] as Span;
    span.start = lane.place;
    span.end = lane.place + values;
    span.byteLength = byteLength;
    const isRead = this.table.tryRead(lane.shard, field, lane.row, values * byteLength, target, at);
    span.at = isRead ? at : -1;
    return isRead;
  }

  /** How many lanes, this one included, hold samples that follow one another in its shard. */
  #following({ place, sample, shard }: Lane): number {
    if (place >= this.#end) {
      let end = place + 1;
      for (; end < this.#count; end++) {
        const next = this.#lanes[end] as Lane;
        if (next.sample !== sample + end - place || next.shard !== shard || next.isBad) break;
      }
      this.#end = end;
    }
    return this.#end - place;
  }
}
