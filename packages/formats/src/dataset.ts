import type { Stats } from "node:fs";
import { basename } from "node:path";
import { stat } from "node:fs/promises";
import { findDataFiles } from "./data-files.js";
import { ClosedError, fileError, OptionError, UnsupportedError } from "./errors.js";
import { commonRoot, locateForeignFiles } from "./foreign-files.js";
import type { FormatName } from "./format.js";
import { readManifest, type Manifest } from "./manifest.js";
import { pathsInside } from "./safe-path.js";
import { checksumBytes } from "./sample-bytes.js";
import type { Sample, Schema } from "./schema.js";
import { openShard, type ChecksumPolicy, type OpenShard, type ShardLocation } from "./shard.js";

/** How to open a dataset. */
export interface OpenDatasetOptions {
  /** Default `first`. */
  readonly checksums?: ChecksumPolicy | undefined;
  /** Format of files without a manifest, whose extension and first bytes do not tell it. */
  readonly format?: FormatName | undefined;
}

/** One split of an open dataset: its samples in the order of its shards. */
export interface DatasetSplit {
  readonly name: string;
  /** Number of samples. */
  readonly length: number;
  /** Where its shards lie, as plain data that a worker thread can open. */
  readonly shards: readonly ShardLocation[];
  /** Samples of each class; empty without a manifest. */
  readonly classCounts: readonly number[];
  /**
   * The sample at `position` in `[0, length)`; its memory is the caller's.
   * @throws {@link CorruptShardError} if it does not have the checksum of the manifest; {@link ManifestError} if its shard
   * is a link that leads out of the dataset's folder; {@link ClosedError} after the dataset was closed.
   */
  read(position: number): Promise<Sample>;
}

/** An open dataset. */
export interface Dataset {
  /** Absolute path of its folder, of the single file, or of the folder that all its files are in. */
  readonly root: string;
  readonly format: FormatName;
  readonly schema: Schema;
  /** Class names; a label is an index into them. */
  readonly classes: readonly string[];
  /** `undefined` for files without a manifest. */
  readonly manifest: Manifest | undefined;
  /** Identity of the content; empty without a manifest. */
  readonly fingerprint: string;
  readonly splits: readonly DatasetSplit[];
  /**
   * The split of that name.
   * @throws {@link OptionError} if there is none.
   */
  split(name: string): DatasetSplit;
  /** Frees the files. Idempotent. */
  close(): void;
  /** {@link Dataset.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

const POLICIES: readonly ChecksumPolicy[] = ["first", "always", "off"];

/** Shards kept open at a time by {@link DatasetSplit.read}. */
const OPEN_SHARDS = 4;

/**
 * Opens a dataset: the folder that `convert` made, or files of shards without a manifest, which become the split
 * `train`: one path, a pattern (`shard-{000..009}.tar`, `*.tfrecord`), or a list of them. Where the files do not keep
 * their schema, the fields are those that their first samples have.
 * @throws {@link ManifestError} if the folder holds no dataset or its manifest is wrong; {@link OptionError} for an
 * unknown policy or format; {@link FileError}, {@link UnsupportedError} or {@link CorruptShardError} for a file that is
 * not there, is no shard, or does not have the fields of the others.
 */
export async function openDataset(
  path: string | readonly string[],
  options: OpenDatasetOptions = {},
): Promise<Dataset> {
  const checksums = options.checksums ?? "first";
  if (!POLICIES.includes(checksums)) {
    throw new OptionError({
      option: "checksums",
      problem: "is not a policy",
      expected: POLICIES.join(" | "),
      found: checksums,
    });
  }
  const paths = await findDataFiles(typeof path === "string" ? [path] : path);
  const folder = await firstFolder(paths);
  if (folder === undefined) return await openFiles(paths, options.format, checksums);
  if (paths.length === 1) return await openFolder(folder, checksums);
  throw new OptionError({
    file: folder,
    option: "dataset",
    problem: "is a folder among files",
    fix: "name one folder with a dataset.json, or files of shards only",
  });
}

async function firstFolder(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const stats = await statOf(path);
    if (stats.isDirectory()) return path;
    if (!stats.isFile())
      throw new UnsupportedError({ file: path, problem: "is neither a file nor a folder", fix: "name a file" });
  }
  return undefined;
}

async function statOf(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    throw fileError(path, "open the dataset", error);
  }
}

async function openFolder(root: string, checksums: ChecksumPolicy): Promise<Dataset> {
  const manifest = await readManifest(root);
  const splits = manifest.splits.map((split) => {
    // Where links lead is looked at when a shard is opened, as there may be tens of thousands of them.
    const paths = pathsInside(
      root,
      split.shards.map((entry) => entry.path),
    );
    const shards = split.shards.map((entry, number) => ({
      path: paths[number] as string,
      format: manifest.format,
      schema: manifest.schema,
      samples: entry.samples,
      entry,
      root,
    }));
    return new Split(split.name, shards, split.classCounts, checksums);
  });
  return new OpenedDataset(root, manifest.format, manifest.schema, manifest.classes, manifest, splits);
}

async function openFiles(
  paths: readonly string[],
  format: FormatName | undefined,
  checksums: ChecksumPolicy,
): Promise<Dataset> {
  const files = await locateForeignFiles(paths, format);
  const split = new Split("train", files.shards, [], checksums);
  return new OpenedDataset(commonRoot(paths), files.format, files.schema, [], undefined, [split]);
}

class OpenedDataset implements Dataset {
  readonly fingerprint: string;

  constructor(
    readonly root: string,
    readonly format: FormatName,
    readonly schema: Schema,
    readonly classes: readonly string[],
    readonly manifest: Manifest | undefined,
    readonly splits: readonly Split[],
  ) {
    this.fingerprint = manifest?.fingerprint ?? "";
  }

  split(name: string): DatasetSplit {
    const split = this.splits.find((candidate) => candidate.name === name);
    if (split !== undefined) return split;
    throw new OptionError({
      option: "split",
      problem: `${basename(this.root)} has no such split`,
      expected: this.splits.map((s) => s.name).join(" | "),
      found: name,
    });
  }

  close(): void {
    for (const split of this.splits) split.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}

class Split implements DatasetSplit {
  readonly length: number;
  /** Position of the first sample of each shard. */
  readonly #starts: readonly number[];
  readonly #open = new Map<number, Promise<OpenShard>>();
  /** A bit for each sample of each shard that was opened: it was checked. */
  readonly #checked = new Map<number, Uint8Array>();
  #closed = false;

  constructor(
    readonly name: string,
    readonly shards: readonly ShardLocation[],
    readonly classCounts: readonly number[],
    readonly checksums: ChecksumPolicy,
  ) {
    let length = 0;
    this.#starts = shards.map((shard) => (length += shard.samples) - shard.samples);
    this.length = length;
  }

  async read(position: number): Promise<Sample> {
    if (!Number.isSafeInteger(position) || position < 0 || position >= this.length) {
      throw new OptionError({
        option: "position",
        problem: `is not in the split ${this.name}`,
        expected: `0 to ${this.length - 1}`,
        found: String(position),
      });
    }
    this.#checkOpen();
    const number = this.#starts.findLastIndex((start) => start <= position);
    const shard = await this.#shard(number);
    this.#checkOpen();
    const row = position - (this.#starts[number] as number);
    const sample = shard.reader.read(row);
    if (this.checksums !== "off") this.#check(shard, number, row, sample);
    return sample;
  }

  #check(shard: OpenShard, number: number, row: number, sample: Sample): void {
    // The shard is open, so it does hold as many samples as the manifest says.
    const checked = this.#checked.get(number) ?? new Uint8Array(Math.ceil(shard.reader.length / 8));
    this.#checked.set(number, checked);
    const bits = checked[row >> 3] as number;
    const bit = 1 << (row & 7);
    if (this.checksums === "first" && (bits & bit) !== 0) return;
    for (const [field, value] of sample) shard.check(row, field, checksumBytes(value));
    checked[row >> 3] = bits | bit;
  }

  #checkOpen(): void {
    if (this.#closed) throw new ClosedError({ problem: `the dataset of the split ${this.name} is closed` });
  }

  async #shard(number: number): Promise<OpenShard> {
    const opening = this.#open.get(number) ?? openShard(this.shards[number] as ShardLocation);
    this.#open.delete(number);
    this.#open.set(number, opening);
    opening.catch(() => this.#open.delete(number));
    for (const [old, shard] of [...this.#open].slice(0, -OPEN_SHARDS)) {
      this.#open.delete(old);
      // A read that waits for this shard continues in a microtask, so before the immediate.
      shard.then((opened) => setImmediate(() => opened.close())).catch(() => undefined);
    }
    return await opening;
  }

  close(): void {
    this.#closed = true;
    for (const shard of this.#open.values()) shard.then((opened) => opened.close()).catch(() => undefined);
    this.#open.clear();
  }
}
