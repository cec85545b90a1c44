import type { Decoder } from "@millrace/image";
import { isSystemClock, type Clock } from "../clock.js";
import { STAGE_OF } from "../ring/activity.js";
import type { Claim, Ring } from "../ring/ring.js";
import { ThreadCpu } from "../thread-cpu.js";
import type { Crew } from "./crew.js";
import { Pipeline } from "./pipeline.js";
import type { BadSample, PipelineSetup } from "./protocol.js";
import { ShardTable } from "./shard-table.js";

/** What {@link InlineCrew} needs to know. */
export interface InlineCrewOptions {
  readonly setup: PipelineSetup;
  readonly ring: Ring;
  readonly clock: Clock;
  readonly decoder: Decoder | undefined;
}

/** No threads: the caller's own thread makes a batch when it is asked for it. */
export class InlineCrew implements Crew {
  readonly #table: ShardTable;
  /** On a clock that the caller runs, the machine's CPU time means nothing. */
  readonly #threadCpu: ThreadCpu | undefined;
  readonly #claim: Claim = { slot: 0, cell: 0, count: 0, epoch: 0 };
  #pipeline: Promise<Pipeline> | undefined;
  #bad: BadSample[] = [];
  #interrupted: { readonly reason: unknown } | undefined;
  #work: Promise<void> | undefined;
  #isClosed = false;

  constructor(readonly options: InlineCrewOptions) {
    const { shards, fields, maxOpenFiles, isCold } = options.setup;
    this.#table = new ShardTable(shards, fields, maxOpenFiles, isCold);
    this.#threadCpu = isSystemClock(options.clock) ? ThreadCpu.open() : undefined;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  start(): void {
    this.#interrupted = undefined;
    this.#bad = [];
  }

  async untilReady(slot: number): Promise<void> {
    this.#check();
    if (this.options.ring.isReady(slot)) return;
    this.#work = this.#fill();
    await this.#work;
    this.#check();
  }

  async #fill(): Promise<void> {
    const { setup, ring } = this.options;
    this.#pipeline ??= Pipeline.open({
      ...this.options,
      table: this.#table,
      threadCpu: this.#threadCpu,
      worker: 0,
      report: (bad) => this.#bad.push(bad),
    });
    const pipeline = await this.#pipeline;
    try {
      while (this.#interrupted === undefined && ring.claim(setup.runLength, this.#claim)) {
        const pending = pipeline.process(this.#claim);
        if (pending !== undefined) await pending;
      }
    } finally {
      pipeline.enter(STAGE_OF.idle, -1);
    }
  }

  #check(): void {
    if (this.#interrupted !== undefined) throw this.#interrupted.reason;
  }

  takeBad(): BadSample[] {
    const bad = this.#bad;
    this.#bad = [];
    return bad;
  }

  dropBad(slot: number): void {
    this.#bad = this.#bad.filter((bad) => bad.slot !== slot);
  }

  interrupt(reason: unknown): void {
    this.#interrupted ??= { reason };
  }

  async rest(): Promise<void> {
    await this.#work?.catch(() => undefined);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.rest();
    this.#table.close();
    this.#threadCpu?.close();
  }
}
