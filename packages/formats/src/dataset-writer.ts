import { access, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { checkCompression } from "./compression.js";
import { ClosedError, fileError, ManifestError, OptionError } from "./errors.js";
import type { Compression, FormatName } from "./format.js";
import {
  checkSplitName,
  MANIFEST_NAME,
  MANIFEST_VERSION,
  writeManifest,
  type Manifest,
  type ShardEntry,
} from "./manifest.js";
import { checkSchema, type Sample, type Schema } from "./schema.js";
import { createShard, type ShardBuilder } from "./shard-builder.js";
import { indexPathOf } from "./shard-index.js";

/** How to write a dataset sample by sample. */
export interface CreateDatasetOptions {
  readonly schema: Schema;
  /** Default `hdf5`. */
  readonly format?: FormatName | undefined;
  /** A shard is closed when it holds this many samples. Default 1024. */
  readonly samplesPerShard?: number | undefined;
  /** Class names; the field `label` then is an index into them. Default none. */
  readonly classes?: readonly string[] | undefined;
  /** How the tensors of HDF5 shards are packed; smaller files, and slower reading without extents. Default: not at all. */
  readonly compression?: Compression | undefined;
}

/** A dataset in the making; it does not exist until `finish` has written its manifest. */
export interface DatasetWriter {
  /**
   * Appends a sample to a split, `train` by default; its memory may be reused once the promise resolves. One call at a
   * time.
   * @throws {@link SchemaError} if the sample does not fit the schema; {@link OptionError} if the split has an impossible
   * name, or the label is not a class.
   */
  write(sample: Sample, split?: string): Promise<void>;
  /** Closes the last shards, writes the manifest and returns it. */
  finish(): Promise<Manifest>;
  /** Deletes every file that was written, after a failed `finish` too. Idempotent, and does nothing after `finish`. */
  abort(): Promise<void>;
}

interface OpenSplit {
  readonly shards: ShardEntry[];
  readonly classCounts: number[];
  builder: ShardBuilder | undefined;
  inShard: number;
}

/**
 * Begins a dataset in the folder `out`, which is made if it does not exist.
 * @throws {@link ManifestError} if the folder already holds a dataset.
 */
export async function createDataset(out: string, options: CreateDatasetOptions): Promise<DatasetWriter> {
  checkSchema(options.schema);
  checkCompression(options.format ?? "hdf5", options.compression);
  const samplesPerShard = options.samplesPerShard ?? 1024;
  if (!Number.isSafeInteger(samplesPerShard) || samplesPerShard < 1) {
    throw new OptionError({
      option: "samplesPerShard",
      problem: "is impossible",
      expected: "an integer from 1 up",
      found: String(samplesPerShard),
    });
  }
  const manifest = join(out, MANIFEST_NAME);
  const exists = await access(manifest).then(
    () => true,
    () => false,
  );
  if (exists)
    throw new ManifestError({
      file: manifest,
      problem: "there already is a dataset",
      fix: "choose another folder, or delete this one",
    });
  try {
    await mkdir(out, { recursive: true });
  } catch (error) {
    throw fileError(out, "create the folder", error);
  }
  return new Writer(out, {
    schema: options.schema,
    format: options.format ?? "hdf5",
    classes: options.classes ?? [],
    samplesPerShard,
    compression: options.compression,
  });
}

interface Settings {
  readonly schema: Schema;
  readonly format: FormatName;
  readonly classes: readonly string[];
  readonly samplesPerShard: number;
  readonly compression: Compression | undefined;
}

class Writer implements DatasetWriter {
  #splits = new Map<string, OpenSplit>();
  #closed = false;
  #writesManifest = false;

  constructor(
    readonly out: string,
    readonly settings: Settings,
  ) {}

  async write(sample: Sample, split = "train"): Promise<void> {
    this.#checkOpen();
    checkSplitName(split);
    const open = this.#splits.get(split) ?? {
      shards: [],
      classCounts: this.settings.classes.map(() => 0),
      builder: undefined,
      inShard: 0,
    };
    this.#splits.set(split, open);
    const { schema, format, samplesPerShard, classes, compression } = this.settings;
    const label = classes.length > 0 ? labelOf(sample, classes.length) : undefined;
    const number = open.shards.length;
    open.builder ??= await createShard(this.out, { split, number, format, schema, compression });
    await open.builder.write(sample);
    if (label !== undefined) open.classCounts[label] = (open.classCounts[label] ?? 0) + 1;
    if (++open.inShard === samplesPerShard) await this.#finishShard(open);
  }

  async #finishShard(open: OpenSplit): Promise<void> {
    if (open.builder !== undefined) open.shards.push(await open.builder.finish());
    open.builder = undefined;
    open.inShard = 0;
  }

  async finish(): Promise<Manifest> {
    this.#checkOpen();
    for (const open of this.#splits.values()) await this.#finishShard(open);
    const { schema, format, classes, samplesPerShard, compression } = this.settings;
    const splits = [...this.#splits].map(([name, { shards, classCounts }]) => ({
      name,
      samples: shards.reduce((sum, shard) => sum + shard.samples, 0),
      classCounts,
      shards,
    }));
    const shaping = compression === undefined ? { samplesPerShard } : { samplesPerShard, compression };
    const provenance = { tool: "millrace", sourceKind: "samples", options: shaping, rejected: 0 };
    this.#writesManifest = true;
    const manifest = await writeManifest(this.out, {
      manifestVersion: MANIFEST_VERSION,
      format,
      schema,
      splits,
      classes,
      statistics: null,
      provenance,
    });
    this.#closed = true;
    return manifest;
  }

  async abort(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // There was none before, so this one is ours.
    if (this.#writesManifest) await remove(join(this.out, MANIFEST_NAME));
    for (const { builder, shards } of this.#splits.values()) {
      await builder?.abort();
      for (const shard of shards) {
        const path = join(this.out, shard.path);
        await remove(path);
        await remove(indexPathOf(path));
      }
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new ClosedError({ file: this.out, problem: "the dataset is already finished or aborted" });
  }
}

async function remove(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (error) {
    throw fileError(path, "delete the file", error);
  }
}

function labelOf(sample: Sample, classes: number): number {
  const value = sample.get("label");
  const label = typeof value === "object" && !("shape" in value) ? Number(value[0]) : Number.NaN;
  if (!Number.isInteger(label) || label < 0 || label >= classes) {
    throw new OptionError({
      option: "classes",
      problem: "the label of a sample is not a class",
      expected: `0 to ${classes - 1}`,
      found: String(label),
    });
  }
  return label;
}
