import { fingerprintOf, writeShardIndex, type Manifest } from "@millrace/formats";
import { copyFileSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DatasetSubject } from "./subjects.js";

/** A damage to a dataset that is more than other bytes in one of its files. */
export interface DatasetDamage {
  readonly name: string;
  /** Damages the dataset; it is not used again. */
  readonly damage: (dataset: DatasetSubject, outside: string) => void | Promise<void>;
}

type Shard = Manifest["splits"][number]["shards"][number];

/** Changes the manifest as someone would who knows how to make its fingerprint right. */
function rewrite(dataset: DatasetSubject, change: (manifest: Manifest) => object): void {
  const manifest = JSON.parse(readFileSync(dataset.manifest, "utf8")) as Manifest;
  const changed = { ...manifest, ...change(manifest) };
  writeFileSync(dataset.manifest, JSON.stringify({ ...changed, fingerprint: fingerprintOf(changed) }));
}

/** Changes what the manifest says of the second shard. */
function rewriteShard(dataset: DatasetSubject, change: (shard: Shard) => object): void {
  rewrite(dataset, ({ splits }) => ({
    splits: splits.map((split) => {
      const shards = split.shards.map((shard, n) => (n === 1 ? { ...shard, ...change(shard) } : shard));
      return { ...split, shards, samples: shards.reduce((sum, { samples }) => sum + samples, 0) };
    }),
  }));
}

function firstShard({ shard }: DatasetSubject): string {
  return shard.replace("00001", "00000");
}

function firstIndex({ index }: DatasetSubject): string {
  return index.replace("00001", "00000");
}

const manifestLies: readonly [string, (dataset: DatasetSubject, outside: string) => void][] = [
  ["../", (dataset) => rewriteShard(dataset, ({ path }) => ({ path: `train/../${path}` }))],
  ["absolute", (dataset) => rewriteShard(dataset, () => ({ path: dataset.shard }))],
  ["exabytes", (dataset) => rewriteShard(dataset, () => ({ bytes: 2 ** 60 }))],
  ["too many samples", (dataset) => rewriteShard(dataset, () => ({ samples: 2 ** 50 }))],
  ["too few samples", (dataset) => rewriteShard(dataset, () => ({ samples: 1 }))],
  ["the sidecar of another", (dataset) => rewriteShard(dataset, () => ({ index: { bytes: 0, crc32c: "0x00000000" } }))],
  [
    "another format",
    (dataset) => rewrite(dataset, ({ format }) => ({ format: format === "arrow" ? "hdf5" : "arrow" })),
  ],
  [
    "another schema",
    (dataset) =>
      rewrite(dataset, ({ schema }) => ({
        schema: {
          fields: schema.fields.map((field) => (field.name === "image" ? { ...field, dtype: "int8" } : field)),
        },
      })),
  ],
  ["another version", (dataset) => rewrite(dataset, () => ({ manifestVersion: 2 }))],
  ["a name of the prototype", (dataset) => rewrite(dataset, () => ({ ["constructor"]: 1 }))],
];

/** Damages to shards, sidecars and manifests. */
export const datasetDamages: readonly DatasetDamage[] = [
  { name: "shard: not there", damage: ({ shard }) => rmSync(shard) },
  {
    name: "shard: another of the same size in its place",
    damage: (dataset) => copyFileSync(firstShard(dataset), dataset.shard),
  },
  {
    name: "shard: a link that leads out",
    damage: ({ shard }, outside) => {
      renameSync(shard, join(outside, "shard"));
      symlinkSync(join(outside, "shard"), shard);
    },
  },
  { name: "sidecar: not there", damage: ({ index }) => rmSync(index) },
  { name: "sidecar: that of another shard", damage: (dataset) => copyFileSync(firstIndex(dataset), dataset.index) },
  {
    name: "sidecar: without checksums, with a right checksum of its own",
    damage: async (dataset) => {
      const index = await writeShardIndex(dataset.index, { samples: 2, columns: new Map() });
      rewriteShard(dataset, () => ({ index }));
    },
  },
  {
    name: "sidecar: a link that leads out",
    damage: ({ index }, outside) => {
      renameSync(index, join(outside, "index"));
      symlinkSync(join(outside, "index"), index);
    },
  },
  { name: "manifest: not there", damage: ({ manifest }) => rmSync(manifest) },
  ...manifestLies.map(([name, damage]) => ({ name: `manifest: ${name}, with a right fingerprint`, damage })),
];
