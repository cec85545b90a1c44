import { SourceError, WorkerError, writeManifest, type Manifest, type SplitEntry } from "@millrace/formats";
import type { Conversion } from "./conversion.js";
import type { ConvertReport } from "./convert.js";
import type { ShardEngine } from "./engine/engine.js";
import { runLocally } from "./engine/local.js";
import { poolEngine } from "./engine/pool.js";
import { shardName, type Journal } from "./journal.js";
import { sumNotSeekable } from "./not-seekable.js";
import type { ResolvedOptions } from "./options.js";
import { removeRemains } from "./out-folder.js";
import type { PlannedSplit } from "./plan.js";
import { ProgressCounter, type ShardProgress } from "./progress.js";
import { checkRejects, writeRejects, type Reject } from "./rejects.js";
import { removeStrayShards } from "./shard-files.js";
import { stampOfShard } from "./shard-stamp.js";
import type { ShardResult, ShardTask } from "./shard-task.js";
import { StallWatch } from "./stall-watch.js";
import { statisticsOf } from "./statistics.js";
import { TOOL } from "./version.js";

/** No sample done in this time means that every thread hangs. */
const STALL_LIMIT_MS = 300_000;
/** A shard of which every sample is done is still to be summed and synced: 36 GB at 20 MB/s. */
const FINISH_LIMIT_MS = 1_800_000;

/** Options whose signal also tells of a stall. */
export type StoppableOptions = ResolvedOptions & { readonly signal: AbortSignal };

/** The part of a conversion that writes, under the lock of its folder. */
export class ConversionRun {
  readonly #results = new Map<string, ShardResult>();
  readonly #progress: ProgressCounter;
  /** Of the raw samples of the shards that are in the making, before any of them was read. */
  readonly #stamps = new Map<string, string>();
  /** Shards of which every sample is done, but not yet the file. */
  readonly #finishing = new Set<string>();
  /** How many raw samples of each split were rejected. */
  readonly #rejected = new Map<string, number>();
  #resumedShards = 0;

  constructor(
    readonly out: string,
    readonly options: StoppableOptions,
    readonly conversion: Conversion,
    readonly journal: Journal,
    /** Aborts the signal of the options. */
    readonly stop: (error: WorkerError) => void,
  ) {
    const { plan, tasks } = conversion;
    this.#progress = new ProgressCounter(plan.samples, tasks.length, options.onProgress);
  }

  /** Writes the shards that no earlier run has finished. */
  async writeShards(): Promise<void> {
    const { tasks } = this.conversion;
    await this.#resume();
    await this.#checkRejects();
    const missing = tasks.filter((task) => !this.#results.has(shardName(task.shard)));
    const watch = new StallWatch(STALL_LIMIT_MS, (limitMs) => this.stop(this.#stallError(limitMs)));
    const { signal, numWorkers } = this.options;
    const engine: ShardEngine = numWorkers === 0 ? runLocally : poolEngine(numWorkers);
    try {
      await engine(missing, {
        signal,
        onStart: async (task) => void this.#stamps.set(shardName(task.shard), await this.#stampOf(task)),
        onProgress: (task, progress) => {
          watch.touch(this.#limitAfter(task, progress));
          this.#progress.update(shardName(task.shard), progress, false);
        },
        onResult: async (task, result) => {
          const name = shardName(task.shard);
          await this.journal.record(result, this.#stamps.get(name) ?? "");
          this.#take(name, result);
          this.#finishing.delete(name);
          watch.touch(this.#limitMs());
          await this.#checkRejects();
        },
      });
    } finally {
      watch.stop();
      await removeRemains(this.out, this.conversion.plan.splits);
    }
  }

  /** Writes the reject log and, as the commit, the manifest; then removes the journal. */
  async commit(): Promise<ConvertReport> {
    this.options.signal.throwIfAborted();
    const splits = this.conversion.plan.splits.map((split) => this.#splitEntry(split));
    const rejects = this.#rejects();
    const shards = splits.flatMap((split) => split.shards);
    await removeStrayShards(this.out, this.conversion.identity.splits, this.options.format, shards);
    await writeRejects(this.out, rejects);
    const manifest = await writeManifest(this.out, this.#manifest(splits, rejects.length));
    await this.journal.remove();
    return {
      out: this.out,
      manifest,
      samples: splits.reduce((sum, split) => sum + split.samples, 0),
      bytes: shards.reduce((sum, shard) => sum + shard.bytes + shard.index.bytes, 0),
      rejects,
      notSeekable: sumNotSeekable([...this.#results.values()].flatMap(({ notSeekable }) => notSeekable)),
      ignored: this.conversion.listing.ignored,
      resumedShards: this.#resumedShards,
    };
  }

  /** Takes what an earlier run has finished, unless the raw samples have changed since. */
  async #resume(): Promise<void> {
    const tasks = new Map(this.conversion.tasks.map((task) => [shardName(task.shard), task]));
    const finished = await this.journal.finished(async (name) => {
      const task = tasks.get(name);
      return task === undefined ? undefined : await this.#stampOf(task);
    });
    for (const [name, result] of finished) this.#take(name, result);
    this.#resumedShards = finished.size;
  }

  async #stampOf({ shard }: ShardTask): Promise<string> {
    return await stampOfShard(this.conversion.source, shard, this.options.signal);
  }

  /** How long the next sign of life may take, once a shard has come so far. */
  #limitAfter({ shard }: ShardTask, { samples, rejected }: ShardProgress): number {
    const name = shardName(shard);
    // What a thread tells by the way may arrive after its result.
    if (samples + rejected === shard.items.length && !this.#results.has(name)) this.#finishing.add(name);
    else this.#finishing.delete(name);
    return this.#limitMs();
  }

  #limitMs(): number {
    return this.#finishing.size > 0 ? FINISH_LIMIT_MS : STALL_LIMIT_MS;
  }

  #take(name: string, result: ShardResult): void {
    this.#results.set(name, result);
    this.#rejected.set(result.split, (this.#rejected.get(result.split) ?? 0) + result.rejects.length);
    const progress = {
      samples: result.entry?.samples ?? 0,
      rejected: result.rejects.length,
      notSeekable: result.notSeekable.reduce((sum, [, images]) => sum + images, 0),
    };
    this.#progress.update(name, progress, true);
  }

  #resultsOf(split: PlannedSplit): ShardResult[] {
    return split.shards.flatMap((shard) => this.#results.get(shardName(shard)) ?? []);
  }

  /** All rejects so far, in the order of the plan. */
  #rejects(): Reject[] {
    return this.conversion.plan.splits.flatMap((split) => this.#resultsOf(split).flatMap(({ rejects }) => rejects));
  }

  async #checkRejects(): Promise<void> {
    try {
      const count = [...this.#rejected.values()].reduce((sum, rejected) => sum + rejected, 0);
      checkRejects(count, () => this.#rejects()[0] as Reject, this.conversion.plan.samples, this.options);
      this.#refuseEmptySplits();
    } catch (error) {
      // The user may mend the images, so shards that lack some are written anew by the next run.
      for (const result of this.#results.values()) if (result.rejects.length > 0) await this.journal.forget(result);
      throw error;
    }
  }

  #refuseEmptySplits(): void {
    for (const split of this.conversion.plan.splits) {
      if ((this.#rejected.get(split.name) ?? 0) < split.samples) continue;
      const [first] = this.#resultsOf(split).flatMap((result) => result.rejects);
      throw new SourceError({
        file: this.conversion.source.root,
        problem: `all ${split.samples} images of the split ${split.name} were rejected`,
        found: `${first?.key}: ${first?.message} (${first?.reason})`,
        fix: "check the images; what is finished is kept, the same command goes on",
      });
    }
  }

  #splitEntry(split: PlannedSplit): SplitEntry {
    const results = this.#resultsOf(split);
    const shards = results.flatMap(({ entry }) => entry ?? []);
    const classCounts = this.conversion.listing.classes.map(() => 0);
    for (const [label, samples] of results.flatMap(({ labelCounts }) => labelCounts))
      classCounts[label] = (classCounts[label] ?? 0) + samples;
    return { name: split.name, samples: shards.reduce((sum, shard) => sum + shard.samples, 0), classCounts, shards };
  }

  #manifest(splits: readonly SplitEntry[], rejected: number): Omit<Manifest, "fingerprint"> {
    const { plan, listing, schema, shaping } = this.conversion;
    const train = plan.splits.filter((split) => split.name === "train");
    const measured = train.length > 0 ? train : plan.splits;
    const sums = measured.flatMap((split) => this.#resultsOf(split).map((result) => result.sums));
    return {
      manifestVersion: 1,
      format: this.options.format,
      schema,
      splits,
      classes: listing.classes,
      statistics: statisticsOf("image", sums),
      provenance: { tool: TOOL, sourceKind: listing.kind, options: shaping, rejected },
    };
  }

  #stallError(limitMs: number): WorkerError {
    const open = this.conversion.tasks.filter((task) => !this.#results.has(shardName(task.shard)));
    return new WorkerError({
      problem: `no image and no shard was finished in ${limitMs / 1000} s`,
      found: `${open.length} shards are open, the first is ${open[0] === undefined ? "none" : shardName(open[0].shard)}`,
      fix: "check that the disks of the source and of the dataset answer; the same command goes on where this one stopped",
    });
  }
}
