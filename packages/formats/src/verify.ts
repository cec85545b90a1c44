import { readFile, stat } from "node:fs/promises";
import { crc32c, crcText } from "./checksum.js";
import { openDataset } from "./dataset.js";
import { fileError, isMillraceError } from "./errors.js";
import type { FormatName } from "./format.js";
import { sampleBytes } from "./sample-bytes.js";
import { checksumFile, openShard, type OpenShard, type ShardLocation } from "./shard.js";
import { indexPathOf } from "./shard-index.js";

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
  /** Bytes that were read. */
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
 * Reads every byte of a dataset and compares it with the checksums of its manifest. Damage is reported, not thrown.
 * @throws {@link ManifestError} if there is no dataset or its manifest is wrong; the signal's reason when aborted.
 */
export async function verifyDataset(path: string, options: VerifyOptions = {}): Promise<VerifyReport> {
  const dataset = await openDataset(path, { format: options.format, checksums: "off" });
  const locations = dataset.splits.flatMap((split) => split.shards);
  const damages: Damage[] = [];
  let bytes = 0;
  let samples = 0;
  let done = 0;
  for (const location of locations) {
    options.signal?.throwIfAborted();
    damages.push(...(await verifyShard(location)));
    bytes += location.entry?.bytes ?? (await stat(location.path)).size;
    samples += location.samples;
    options.onProgress?.({ shards: ++done, total: locations.length });
  }
  dataset.close();
  return {
    ok: damages.length === 0,
    shards: locations.length,
    samples,
    bytes,
    checksummed: dataset.manifest !== undefined,
    damages,
  };
}

async function verifyShard(location: ShardLocation): Promise<Damage[]> {
  const { path: file, entry } = location;
  const index = entry === undefined ? [] : await verifyIndex(indexPathOf(file), entry.index);
  let wrong: string | undefined;
  if (entry !== undefined) {
    let found: Awaited<ReturnType<typeof checksumFile>>;
    try {
      found = await checksumFile(file);
    } catch (error) {
      return [...index, { file, kind: "missing", message: textOf(error) }];
    }
    if (found.bytes !== entry.bytes) {
      return [...index, { file, kind: "size", message: `expected ${entry.bytes} bytes, found ${found.bytes}` }];
    }
    if (found.crc32c === entry.crc32c && index.length === 0) return [];
    if (found.crc32c !== entry.crc32c) wrong = `expected crc32c ${entry.crc32c}, found ${found.crc32c}`;
  }
  const samples = index.length === 0 ? await verifySamples(location) : [];
  const container: Damage[] =
    wrong !== undefined && samples.length === 0 ? [{ file, kind: "container", message: wrong }] : [];
  return [...index, ...samples, ...container];
}

async function verifyIndex(file: string, expected: { bytes: number; crc32c: string }): Promise<Damage[]> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    return [{ file, kind: "missing", message: fileError(file, "read the shard index", error).message }];
  }
  if (bytes.length !== expected.bytes)
    return [{ file, kind: "index", message: `expected ${expected.bytes} bytes, found ${bytes.length}` }];
  const found = crcText(crc32c(bytes));
  return found === expected.crc32c
    ? []
    : [{ file, kind: "index", message: `expected crc32c ${expected.crc32c}, found ${found}` }];
}

async function verifySamples(location: ShardLocation): Promise<Damage[]> {
  let shard: OpenShard;
  try {
    shard = await openShard(location);
  } catch (error) {
    return [{ file: location.path, kind: "unreadable", message: textOf(error) }];
  }
  const damages: Damage[] = [];
  for (let row = 0; row < shard.reader.length; row++) {
    for (const { name } of location.schema.fields) {
      try {
        shard.check(row, name, sampleBytes(shard.reader.readField(row, name)));
      } catch (error) {
        damages.push({ file: location.path, kind: "sample", sample: row, field: name, message: textOf(error) });
      }
    }
  }
  shard.close();
  return damages;
}

function textOf(error: unknown): string {
  if (isMillraceError(error)) return error.message;
  throw error;
}
