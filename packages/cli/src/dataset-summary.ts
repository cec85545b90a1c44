import { stat } from "node:fs/promises";
import {
  byteLengthOf,
  maxByteLength,
  openShard,
  type Dataset,
  type DatasetSplit,
  type Extents,
  type Field,
  type OpenShard,
  type Provenance,
  type ShardLocation,
  type Statistics,
} from "@millrace/formats";

/** How the loader reads a field of the first shard, and how large its values are. */
export interface FieldRoute {
  readonly field: string;
  /** Straight from the file, or through the format's library. */
  readonly route: "pread" | "library";
  /** Where the values lie: at equal distances, anywhere, or encoded. */
  readonly extents: "affine" | "table" | "none";
  readonly why: string;
  /** Bytes of a value: the mean and the most; `null` without extents or samples. */
  readonly meanBytes: number | null;
  readonly maxBytes: number | null;
}

/** What `inspect` tells, as it prints it with `--json`. */
export interface DatasetSummary {
  readonly path: string;
  readonly format: string;
  readonly fingerprint: string;
  readonly schema: { readonly fields: readonly Field[] };
  readonly splits: readonly {
    readonly name: string;
    readonly samples: number;
    readonly shards: number;
    /** Of the shard files. */
    readonly bytes: number;
    readonly classCounts: readonly number[];
  }[];
  readonly classes: readonly string[];
  readonly statistics: Statistics | null;
  readonly provenance: Provenance | null;
  readonly routes: readonly FieldRoute[];
}

/** Looks at the manifest, and into the first shard. */
export async function summaryOf(dataset: Dataset): Promise<DatasetSummary> {
  return {
    path: dataset.root,
    format: dataset.format,
    fingerprint: dataset.fingerprint,
    schema: dataset.schema,
    splits: await Promise.all(dataset.splits.map(splitSummary)),
    classes: dataset.classes,
    statistics: dataset.manifest?.statistics ?? null,
    provenance: dataset.manifest?.provenance ?? null,
    routes: await routesOf(dataset),
  };
}

async function splitSummary(split: DatasetSplit): Promise<DatasetSummary["splits"][number]> {
  let bytes = 0;
  for (const shard of split.shards) bytes += shard.entry?.bytes ?? (await sizeOf(shard));
  const { name, length: samples, classCounts } = split;
  return { name, samples, shards: split.shards.length, bytes, classCounts };
}

async function sizeOf({ path }: ShardLocation): Promise<number> {
  return (await stat(path)).size;
}

async function routesOf(dataset: Dataset): Promise<readonly FieldRoute[]> {
  const location = dataset.splits.flatMap((split) => split.shards).find(({ samples }) => samples > 0);
  if (location === undefined) return [];
  const shard = await openShard(location);
  try {
    return dataset.schema.fields.map((field) => routeOf(shard, field));
  } finally {
    shard.close();
  }
}

function routeOf(shard: OpenShard, { name: field }: Field): FieldRoute {
  const extents = shard.reader.extents(field);
  if (extents === undefined) {
    const why = "encoded in the file";
    return { field, route: "library", extents: "none", why, meanBytes: null, maxBytes: null };
  }
  const why =
    extents.kind === "affine" ? `rows of ${extents.byteLength} bytes at equal distances` : "rows by a table of offsets";
  const maxBytes = maxByteLength(extents);
  return { field, route: "pread", extents: extents.kind, why, meanBytes: meanByteLength(extents), maxBytes };
}

function meanByteLength(extents: Extents): number {
  let sum = 0;
  for (let row = 0; row < extents.length; row++) sum += byteLengthOf(extents, row);
  return sum / Math.max(1, extents.length);
}
