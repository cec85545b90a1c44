/** How far a conversion is; the counts include what an earlier, interrupted run finished. */
export interface ConvertProgress {
  /** Samples that are written. */
  readonly samples: number;
  /** Raw samples that were rejected; together with `samples` those that are done with. */
  readonly rejected: number;
  /** In mode `seekable`: samples that are written, but keep the bytes of the source. */
  readonly notSeekable: number;
  /** Raw samples of the whole conversion. */
  readonly total: number;
  /** Finished shards. */
  readonly shards: number;
  readonly totalShards: number;
}

/** Samples and rejects of one shard so far. */
export interface ShardProgress {
  readonly samples: number;
  readonly rejected: number;
  /** In mode `seekable`: samples that keep the bytes of the source. */
  readonly notSeekable: number;
}

/** Adds up the progress of shards that are written at the same time. */
export class ProgressCounter {
  readonly #shards = new Map<string, ShardProgress>();
  readonly #finished = new Set<string>();
  #samples = 0;
  #rejected = 0;
  #notSeekable = 0;

  constructor(
    readonly total: number,
    readonly totalShards: number,
    readonly listener: ((progress: ConvertProgress) => void) | undefined,
  ) {}

  /** Replaces what is known of a shard; a shard that is begun anew counts from 0 again. */
  update(shard: string, progress: ShardProgress, finished: boolean): void {
    // What a thread tells by the way may arrive after its result.
    if (this.#finished.has(shard)) return;
    const before = this.#shards.get(shard);
    this.#samples += progress.samples - (before?.samples ?? 0);
    this.#rejected += progress.rejected - (before?.rejected ?? 0);
    this.#notSeekable += progress.notSeekable - (before?.notSeekable ?? 0);
    this.#shards.set(shard, progress);
    if (finished) this.#finished.add(shard);
    this.listener?.(this.current());
  }

  /** The sum over all shards. */
  current(): ConvertProgress {
    return {
      samples: this.#samples,
      rejected: this.#rejected,
      notSeekable: this.#notSeekable,
      total: this.total,
      shards: this.#finished.size,
      totalShards: this.totalShards,
    };
  }
}
