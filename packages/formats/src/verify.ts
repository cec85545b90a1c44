import { readFile } from "node:fs/promises";
import { checksumFile } from "./checksum-file.js";
import { openDataset, type Dataset } from "./dataset.js";
import { fileError, isMillraceError } from "./errors.js";
import type { FormatName } from "./format.js";
import { checksumBytes } from "./sample-bytes.js";
import { openShard, type OpenShard, type ShardLocation } from "./shard.js";
import { decodeShardIndex, indexPathOf } from "./shard-index.js";

/** One thing that is wrong with a dataset. */
export interface Damage {
  /** Path of the file. */
  readonly file: string;
  /**
   * `missing`: the file is not there; `size`: it has another size; `sample`: the bytes of a sample are not those that
   * were written; `index`: the sidecar is damaged; `container`: bytes beside the samples are damaged; `unreadable`: the
   * file cannot be read as its format.
   */
  readonly kind: "missing" | "size" | "sample" | "index" | "container" | "unreadable";
  /** Row of the sample in the shard. */
  readonly sample?: number | undefined;
  readonly field?: string | undefined;
  /** What was expected and found, in words. */
  readonly message: string;
}

/** What {@link verifyDataset} found. */
export interface VerifyReport {
  readonly ok: boolean;
  readonly shards: number;
  readonly samples: number;
  /** Bytes that were read: of shards and sidecars; of a file without a manifest, those of its samples. */
  readonly bytes: number;
  /** False for a file without a manifest: then nothing says what its bytes should be. */
  readonly checksummed: boolean;
  readonly damages: readonly Damage[];
}

/** How to verify a dataset. */
export interface VerifyOptions {
  readonly format?: FormatName | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after each shard. */
  readonly onProgress?: ((progress: { readonly shards: number; readonly total: number }) => void) | undefined;
}

/**
 * Reads every byte of a dataset and compares it with the checksums of its manifest, and every sample with its own.
 * Damage is reported, not thrown.
 * @throws {@link ManifestError} if there is no dataset or its manifest is wrong; {@link FileError} if there is no such
 * file; {@link UnsupportedError} if it is of no format that is read; the signal's reason when aborted.
 */
export async function verifyDataset(path: string, options: VerifyOptions = {}): Promise<VerifyReport> {
  let dataset: Dataset;
  try {
    dataset = await openDataset(path, { format: options.format, checksums: "off" });
  } catch (error) {
    if (!isMillraceError(error, "CORRUPT_SHARD")) throw error;
    const damage: Damage = { file: path, kind: "unreadable", message: error.message };
    return { ok: false, shards: 1, samples: 0, bytes: 0, checksummed: false, damages: [damage] };
  }
  try {
    return await verifyShards(dataset, options);
  } finally {
    dataset.close();
  }
}

async function verifyShards(dataset: Dataset, options: VerifyOptions): Promise<VerifyReport> {
  const locations = dataset.splits.flatMap((split) => split.shards);
  const damages: Damage[] = [];
  let bytes = 0;
  let samples = 0;
  let done = 0;
  for (const location of locations) {
    options.signal?.throwIfAborted();
    const found = await verifyShard(location);
    damages.push(...found.damages);
    bytes += found.bytes;
    samples += location.samples;
    options.onProgress?.({ shards: ++done, total: locations.length });
  }
  const checksummed = dataset.manifest !== undefined;
  return { ok: damages.length === 0, shards: locations.length, samples, bytes, checksummed, damages };
}

interface Found {
  readonly damages: readonly Damage[];
  /** Bytes that were read. */
  readonly bytes: number;
}

async function verifyShard(location: ShardLocation): Promise<Found> {
  const { path: file, entry } = location;
  if (entry === undefined) return verifySamples(location);
  const index = await verifyIndex(indexPathOf(file), entry.index);
  let whole: Awaited<ReturnType<typeof checksumFile>>;
  try {
    whole = await checksumFile(file);
  } catch (error) {
    return { damages: [...index.damages, { file, kind: "missing", message: textOf(error) }], bytes: index.bytes };
  }
  const bytes = index.bytes + whole.bytes;
  if (whole.bytes !== entry.bytes) {
    const message = `expected ${entry.bytes} bytes, found ${whole.bytes}`;
    return { damages: [...index.damages, { file, kind: "size", message }], bytes };
  }
  // Without its sidecar there is nothing to compare a sample with.
  const samples = index.damages.length === 0 ? (await verifySamples(location)).damages : [];
  const container: Damage[] =
    whole.crc32c !== entry.crc32c && samples.length === 0
      ? [{ file, kind: "container", message: `expected crc32c ${entry.crc32c}, found ${whole.crc32c}` }]
      : [];
  return { damages: [...index.damages, ...samples, ...container], bytes };
}

async function verifyIndex(file: string, expected: { bytes: number; crc32c: string }): Promise<Found> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const { message } = fileError(file, "read the shard index", error);
    return { damages: [{ file, kind: "missing", message }], bytes: 0 };
  }
  try {
    decodeShardIndex(new Uint8Array(bytes), file, expected);
  } catch (error) {
    return { damages: [{ file, kind: "index", message: textOf(error) }], bytes: bytes.length };
  }
  return { damages: [], bytes: bytes.length };
}

async function verifySamples(location: ShardLocation): Promise<Found> {
  let shard: OpenShard;
  try {
    shard = await openShard(location);
  } catch (error) {
    return { damages: [{ file: location.path, kind: "unreadable", message: textOf(error) }], bytes: 0 };
  }
  const damages: Damage[] = [];
  let read = 0;
  try {
    for (let row = 0; row < shard.reader.length; row++) {
      for (const { name } of location.schema.fields) {
        try {
          const bytes = checksumBytes(shard.reader.readField(row, name));
          read += bytes.length;
          shard.check(row, name, bytes);
        } catch (error) {
          damages.push({ file: location.path, kind: "sample", sample: row, field: name, message: textOf(error) });
        }
      }
    }
  } finally {
    shard.close();
  }
  return { damages, bytes: read };
}

function textOf(error: unknown): string {
  if (isMillraceError(error)) return error.message;
  throw error;
}
