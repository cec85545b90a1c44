import {
  createShard,
  ImageError,
  type Compression,
  type FormatName,
  type Schema,
  type ShardBuilder,
  type ShardEntry,
} from "@millrace/formats";
import { inOrder } from "./in-flight.js";
import { SegmentIndexes, type NotSeekable } from "./not-seekable.js";
import type { PlannedItem, PlannedShard } from "./plan.js";
import { prepareImage, type PreparedImage, type PrepareOptions } from "./prepare.js";
import type { ShardProgress } from "./progress.js";
import { checkRejects, rejectOf, type Reject } from "./rejects.js";
import { openSource } from "./sources/open-source.js";
import type { Source, SourceSpec } from "./sources/source.js";
import { ChannelSummer, type ChannelSums } from "./statistics.js";

/** Text attribute of every shard: the class names as a JSON array. */
export const CLASSES_ATTRIBUTE = "millrace.classes";

/** All that a thread or a machine needs to know to write one planned shard, as plain data. */
export interface ShardTask {
  /** Absolute path of the dataset's folder. */
  readonly out: string;
  readonly source: SourceSpec;
  readonly shard: PlannedShard;
  readonly format: FormatName;
  readonly compression: Compression | undefined;
  readonly schema: Schema;
  readonly classes: readonly string[];
  readonly prepare: PrepareOptions;
  /** `fail`: the first image that cannot be used ends the task. */
  readonly onReject: "skip" | "fail";
  /** Images that are read and decoded at a time. */
  readonly inFlight: number;
}

/** What a finished shard task leaves behind beside its files, as plain data that is also JSON. */
export interface ShardResult {
  readonly split: string;
  readonly number: number;
  /** The shard's line in the manifest; `null` if no sample was good, and so there is no file. */
  readonly entry: ShardEntry | null;
  readonly sums: ChannelSums;
  /** `[label, samples]` of the labels that occur, by label. */
  readonly labelCounts: readonly (readonly [label: number, samples: number])[];
  /** In the order of the plan. */
  readonly rejects: readonly Reject[];
  /** In mode `seekable`: how many samples keep the bytes of the source, by reason. */
  readonly notSeekable: readonly NotSeekable[];
}

/** What a shard task tells and heeds while it works. */
export interface ShardHooks {
  readonly signal?: AbortSignal | undefined;
  /** Called as samples are written. */
  readonly onProgress?: ((progress: ShardProgress) => void) | undefined;
}

/**
 * Writes one planned shard. The bytes of its files are a pure function of the task and the raw images.
 * @throws FileError if the disk refuses; ImageError under `onReject: "fail"`; the signal's reason. Then there is no
 * shard, and no remains unless the thread was killed.
 */
export async function writeShard(task: ShardTask, hooks: ShardHooks = {}): Promise<ShardResult> {
  const source = await openSource(task.source);
  const summer = new ChannelSummer(3);
  const labelCounts = new Map<number, number>();
  const rejects: Reject[] = [];
  const segments = new SegmentIndexes();
  let samples = 0;
  let builder: ShardBuilder | undefined;
  try {
    for await (const prepared of inOrder(task.shard.items, task.inFlight, (item) => prepare(source, item, task))) {
      hooks.signal?.throwIfAborted();
      if ("reject" in prepared) {
        rejects.push(prepared.reject);
        checkRejects(1, () => prepared.reject, task.shard.items.length, { onReject: task.onReject });
      } else {
        builder ??= await begin(task);
        await builder.write(prepared.sample);
        summer.add(prepared.pixels);
        if (prepared.seekable !== undefined) segments.add(prepared.seekable);
        labelCounts.set(prepared.label, (labelCounts.get(prepared.label) ?? 0) + 1);
        samples++;
      }
      hooks.onProgress?.({ samples, rejected: rejects.length, notSeekable: segments.refused });
    }
    return {
      split: task.shard.split,
      number: task.shard.number,
      entry: builder === undefined ? null : await builder.finish(segments.columns("image")),
      sums: summer.toData(),
      labelCounts: [...labelCounts].toSorted(([a], [b]) => a - b),
      rejects,
      notSeekable: segments.notSeekable,
    };
  } catch (error) {
    await builder?.abort().catch(() => undefined);
    throw error;
  }
}

function begin(task: ShardTask): Promise<ShardBuilder> {
  const { out, shard, format, compression, schema, classes } = task;
  return createShard(out, {
    split: shard.split,
    number: shard.number,
    format,
    compression,
    schema,
    expectedSamples: shard.items.length,
    attributes: new Map([[CLASSES_ATTRIBUTE, JSON.stringify(classes)]]),
  });
}

async function prepare(
  source: Source,
  item: PlannedItem,
  task: ShardTask,
): Promise<(PreparedImage & { readonly label: number }) | { readonly reject: Reject }> {
  try {
    const prepared = await prepareImage(await source.open(item), item, task.prepare);
    return { ...prepared, label: item.label };
  } catch (error) {
    if (error instanceof ImageError) return { reject: rejectOf(error, item.key, task.shard.split) };
    throw error;
  }
}
