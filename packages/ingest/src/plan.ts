import { hash } from "node:crypto";
import { OptionError } from "@millrace/formats";
import { compareBytewise } from "./bytewise.js";
import type { Listing, SourceItem } from "./sources/source.js";
import { stratifiedShare } from "./stratified-share.js";

/** A raw sample in its place. */
export type PlannedItem = Pick<SourceItem, "path" | "key" | "label">;

/** The samples of one shard, in the order in which they are written. */
export interface PlannedShard {
  readonly split: string;
  /** Number of the shard in its split, from 0. */
  readonly number: number;
  readonly items: readonly PlannedItem[];
}

/** The shards of one split. */
export interface PlannedSplit {
  readonly name: string;
  /** Raw samples; those that turn out bad included. */
  readonly samples: number;
  readonly shards: readonly PlannedShard[];
}

/** Which raw sample goes where, before any of them is read. */
export interface Plan {
  readonly splits: readonly PlannedSplit[];
  readonly samples: number;
}

/** What shapes a {@link Plan} beside the listing. */
export interface PlanOptions {
  readonly seed: number;
  readonly samplesPerShard: number;
  /** Share of the training samples of each class that go into the split `val`, `0 <= valFraction < 1`. */
  readonly valFraction: number;
}

/**
 * Decides where every raw sample goes: a pure function of the listing's content and the options, whatever the order of
 * the listing. Samples are shuffled by a hash of seed and key, so a sample's place does not depend on the machine; what
 * turns out bad later leaves its shard one sample shorter and moves no other.
 * @throws OptionError if `valFraction` leaves a split empty, or the source has a split `val` of its own.
 */
export function planShards(listing: Listing, options: PlanOptions): Plan {
  const bySplit = new Map<string, SourceItem[]>(listing.splits.map((split) => [split, []]));
  for (const item of listing.items) {
    const split = item.split ?? "train";
    const items = bySplit.get(split);
    if (items === undefined) bySplit.set(split, [item]);
    else items.push(item);
  }
  if (options.valFraction > 0) cutValidation(bySplit, listing.classes.length, options);
  const splits = [...bySplit].map(([name, items]) => planSplit(name, items, options));
  return { splits, samples: listing.items.length };
}

function planSplit(name: string, items: readonly SourceItem[], options: PlanOptions): PlannedSplit {
  const shuffled = shuffle(items, options.seed, "order");
  const shards: PlannedShard[] = [];
  for (let start = 0; start < shuffled.length; start += options.samplesPerShard) {
    const slice = shuffled.slice(start, start + options.samplesPerShard);
    shards.push({
      split: name,
      number: shards.length,
      items: slice.map(({ path, key, label }) => ({ path, key, label })),
    });
  }
  return { name, samples: items.length, shards };
}

/** Items ordered by the first 48 bits of SHA-256 of seed, purpose and key; equal hashes by key. */
function shuffle(items: readonly SourceItem[], seed: number, purpose: string): SourceItem[] {
  return items
    .map((item) => ({ item, rank: hash("sha256", `${seed}/${purpose}/${item.key}`, "buffer").readUIntBE(0, 6) }))
    .toSorted((a, b) => a.rank - b.rank || compareBytewise(a.item.key, b.item.key))
    .map(({ item }) => item);
}

/** Moves a share of each class from `train` to `val`. */
function cutValidation(bySplit: Map<string, SourceItem[]>, classes: number, options: PlanOptions): void {
  const { valFraction, seed } = options;
  const train = bySplit.get("train");
  if (train === undefined || bySplit.has("val")) {
    const has = [...bySplit.keys()].join(", ");
    throw new OptionError({
      option: "valFraction",
      problem: train === undefined ? "the source has no split train to cut from" : "the source has a split val already",
      expected: "0",
      found: `${valFraction}, and the splits ${has}`,
      fix: "leave valFraction out",
    });
  }
  const counts = Array.from({ length: classes }, () => 0);
  for (const { label } of train) counts[label] = (counts[label] as number) + 1;
  const left = stratifiedShare(counts, valFraction);
  const val: SourceItem[] = [];
  const rest: SourceItem[] = [];
  for (const item of shuffle(train, seed, "val")) {
    const wanted = left[item.label] as number;
    if (wanted > 0) left[item.label] = wanted - 1;
    (wanted > 0 ? val : rest).push(item);
  }
  if (val.length === 0) {
    throw new OptionError({
      option: "valFraction",
      problem: "leaves no sample for the split val, as every class keeps one for training",
      expected: "a larger share, or more samples",
      found: `${valFraction} of ${train.length} samples in ${counts.filter((n) => n > 0).length} classes`,
      fix: "raise valFraction, or leave it out",
    });
  }
  const others = [...bySplit].filter(([name]) => name !== "train");
  bySplit.clear();
  for (const [name, items] of [["train", rest], ["val", val], ...others] as [string, SourceItem[]][])
    bySplit.set(name, items);
}
