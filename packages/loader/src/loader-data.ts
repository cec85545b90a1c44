import {
  openDataset,
  OptionError,
  type Dataset,
  type Schema,
  type ShardLocation,
  type Statistics,
} from "@millrace/formats";
import { createHash } from "node:crypto";
import { shareOut } from "./order/mix.js";
import { shownValue } from "./shown-value.js";
import { identityOf } from "./state.js";

/** One of several data sets that are loaded as one. */
export interface DatasetPart {
  /** A dataset folder or a single shard. */
  readonly path: string;
  /**
   * How many of an epoch's samples are its, relative to the weights of the others: above 0. Without weights, the data
   * sets are taken as one, one after the other, and the order goes over all of it.
   */
  readonly weight?: number | undefined;
}

/** The samples that a loader reads, of one data set or several as one. */
export interface LoaderData {
  readonly schema: Schema;
  /** Name of the split. */
  readonly split: string;
  readonly shards: readonly ShardLocation[];
  /** Number of samples. */
  readonly length: number;
  readonly classes: readonly string[];
  readonly statistics: Statistics | undefined;
  /** Identity of the content, and of how it is mixed. */
  readonly fingerprint: string;
  /** Where it lies, in words. */
  readonly root: string;
  /** True if checksums are known. */
  readonly hasChecksums: boolean;
  /** The parts that are mixed by weight; `undefined`: one order goes over all samples. */
  readonly parts: readonly { readonly start: number; readonly length: number; readonly weight: number }[] | undefined;
}

function fail(option: string, problem: string, expected: string, found: unknown): never {
  throw new OptionError({ option, problem, expected, found: String(found) });
}

/** Most data sets of one loader. */
const MAX_DATASETS = 1024;

/**
 * Checks the data sets that a caller names.
 * @throws {@link OptionError} if there is none, or weights are impossible or given to some only.
 */
export function checkParts(path: string | readonly DatasetPart[]): readonly DatasetPart[] {
  if (typeof path === "string") return [{ path }];
  if (!Array.isArray(path) || path.length === 0 || path.length > MAX_DATASETS)
    return fail("path", "is impossible", `a path, or 1 to ${MAX_DATASETS} of { path, weight }`, shownValue(path));
  const parts = (path as readonly (Partial<DatasetPart> | null | undefined)[]).map((part) => part ?? {});
  const weighed = parts.filter((part) => part.weight !== undefined).length;
  if (weighed !== 0 && weighed !== parts.length)
    fail(
      "weight",
      "is given to some of the data sets only",
      "a weight for each, or none",
      `${weighed} of ${parts.length}`,
    );
  for (const { path: one, weight } of parts) {
    if (typeof one !== "string") fail("path", "is impossible", "a path", shownValue(one));
    const isWeight = typeof weight === "number" && Number.isFinite(weight) && weight > 0;
    if (weight !== undefined && !isWeight) fail("weight", "is impossible", "a finite number above 0", weight);
  }
  return path as readonly DatasetPart[];
}

/**
 * Opens the data sets and says what a loader has to know of their split.
 * @throws {@link OptionError} if one has no such split or no samples in it, or they do not fit together; what
 * {@link openDataset} throws.
 */
export async function openLoaderData(parts: readonly DatasetPart[], split: string): Promise<LoaderData> {
  const datasets: Dataset[] = [];
  try {
    for (const { path } of parts) datasets.push(await openDataset(path, { checksums: "off" }));
    return join(datasets, parts, split);
  } finally {
    for (const dataset of datasets) dataset.close();
  }
}

function join(datasets: readonly Dataset[], parts: readonly DatasetPart[], name: string): LoaderData {
  const first = datasets[0] as Dataset;
  for (const other of datasets.slice(1)) checkAlike(first, other);
  const splits = datasets.map((dataset) => {
    const split = dataset.split(name);
    if (split.length > 0) return split;
    const file = datasets.length > 1 ? dataset.root : undefined;
    throw new OptionError({ file, option: "split", problem: "the split has no samples", found: split.name });
  });
  let length = 0;
  const weighed = splits.map((split, part) => {
    const start = length;
    length += split.length;
    return { start, length: split.length, weight: parts[part]?.weight ?? split.length };
  });
  const isMixed = parts.length > 1 && parts.every((part) => part.weight !== undefined);
  return {
    schema: first.schema,
    split: name,
    shards: splits.flatMap((split) => split.shards),
    length,
    classes: first.classes,
    statistics: poolStatistics(
      datasets.map((dataset) => dataset.manifest?.statistics ?? undefined),
      shareOut(
        weighed.map((part) => part.weight),
        length,
      ),
    ),
    fingerprint: identityOfAll(datasets, isMixed ? parts : []),
    root: datasets.map((dataset) => dataset.root).join(" + "),
    hasChecksums: datasets.some((dataset) => dataset.manifest !== undefined),
    parts: isMixed ? weighed : undefined,
  };
}

function checkAlike(first: Dataset, other: Dataset): void {
  const compare = (what: string, expected: unknown, found: unknown): void => {
    if (JSON.stringify(expected) === JSON.stringify(found)) return;
    throw new OptionError({
      option: "path",
      problem: `${other.root} has other ${what} than ${first.root}`,
      expected: JSON.stringify(expected),
      found: JSON.stringify(found),
      fix: "load data sets of the same fields and classes together",
    });
  };
  compare("fields", first.schema, other.schema);
  compare("classes", first.classes, other.classes);
}

/** Mean and standard deviation of all, each data set counted by its share of the samples; `undefined` if one has none. */
function poolStatistics(all: readonly (Statistics | undefined)[], shares: readonly number[]): Statistics | undefined {
  const [first] = all;
  if (all.length === 1 || first === undefined) return first;
  const known = all.filter((one) => one?.field === first.field && one.mean.length === first.mean.length);
  if (known.length < all.length) return undefined;
  const statistics = known as readonly Statistics[];
  const total = shares.reduce((sum, share) => sum + share, 0);
  const pooled = (of: (one: Statistics, channel: number) => number): number[] =>
    first.mean.map((_, channel) =>
      statistics.reduce((sum, one, part) => sum + (of(one, channel) * (shares[part] as number)) / total, 0),
    );
  const mean = pooled((one, channel) => one.mean[channel] as number);
  const square = pooled((one, channel) => (one.mean[channel] as number) ** 2 + (one.std[channel] as number) ** 2);
  const std = square.map((value, channel) => Math.sqrt(Math.max(0, value - (mean[channel] as number) ** 2)));
  return { field: first.field, values: statistics.reduce((sum, one) => sum + one.values, 0), mean, std };
}

function identityOfAll(datasets: readonly Dataset[], weighed: readonly DatasetPart[]): string {
  if (datasets.length === 1) return identityOf(datasets[0] as Dataset);
  const content = datasets.map((dataset, part) => [identityOf(dataset), weighed[part]?.weight ?? null]);
  return `several-${createHash("sha256").update(JSON.stringify(content)).digest("hex")}`;
}
