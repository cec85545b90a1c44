import { readFile } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { checksumFile } from "./checksum-file.js";
import { findDataFiles } from "./data-files.js";
import { openDataset, type Dataset } from "./dataset.js";
import { fileError, isMillraceError, type MillraceError } from "./errors.js";
import { offsetOf } from "./extents.js";
import type { FormatName } from "./format.js";
import { formatOfFile } from "./format-of-file.js";
import { checksumBytes } from "./sample-bytes.js";
import { checkShardLinks, openShard, type OpenShard, type ShardLocation } from "./shard.js";
import { decodeShardIndex, indexPathOf } from "./shard-index.js";
import { recoverTfrecord, type TfrecordDamage } from "./tfrecord/recover.js";

/** Rows that are read between two chances for the signal. */
const TURN_ROWS = 64;

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
  /** Byte offset in the file: of the value, or of the place that is damaged; absent where nothing tells it. */
  readonly byte?: number | undefined;
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
 * Reads every byte of a dataset and compares it with the checksums of its manifest, and every sample with its own. Of
 * files without a manifest, what `openDataset` takes as one dataset, every sample is read and compared with what its
 * format keeps. Damage is reported, not thrown.
 * @throws {@link ManifestError} if there is no dataset, its manifest is wrong, or a shard or a sidecar is a link that
 * leads out of its folder; {@link FileError} if there is no such file; {@link UnsupportedError} if it is of no format
 * that is read; the signal's reason when aborted.
 */
export async function verifyDataset(
  path: string | readonly string[],
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  let dataset: Dataset;
  try {
    dataset = await openDataset(path, { format: options.format, checksums: "off" });
  } catch (error) {
    if (!isMillraceError(error, "CORRUPT_SHARD")) throw error;
    return await verifyUnreadable(typeof path === "string" ? [path] : path, options, error);
  }
  try {
    return await verifyShards(dataset, options);
  } finally {
    dataset.close();
  }
}

/** The report on files of which one cannot be opened: each is looked at by itself. */
async function verifyUnreadable(
  names: readonly string[],
  options: VerifyOptions,
  error: MillraceError,
): Promise<VerifyReport> {
  const files = await findDataFiles(names);
  const report = { ok: false, shards: files.length, samples: 0, bytes: 0, checksummed: false };
  if (files.length === 1) {
    const file = files[0] as string;
    return { ...report, damages: await unreadable(file, options.format ?? (await formatOfFile(file)), error, options) };
  }
  const damages: Damage[] = [];
  for (const [number, file] of files.entries()) {
    const one = await verifyDataset(file, { format: options.format, signal: options.signal });
    damages.push(...one.damages);
    report.samples += one.samples;
    report.bytes += one.bytes;
    options.onProgress?.({ shards: number + 1, total: files.length });
  }
  return { ...report, damages };
}

/** What is wrong with a file that does not open; in one of TFRecord every place. */
async function unreadable(
  file: string,
  format: FormatName | undefined,
  error: MillraceError,
  { signal }: VerifyOptions,
): Promise<readonly Damage[]> {
  const { sample, byte } = error.detail;
  const plain: Damage = { file, kind: "unreadable", sample, byte, message: error.message };
  if (format !== "tfrecord") return [plain];
  try {
    const { damages } = await recoverTfrecord(file, { signal });
    return damages.length > 0 ? lostRecords(file, damages) : [plain];
  } catch (failure) {
    if (!isMillraceError(failure)) throw failure;
    return [plain];
  }
}

function lostRecords(file: string, damages: readonly TfrecordDamage[]): readonly Damage[] {
  // Behind a damaged length nothing tells how many records there were.
  let lost: number | undefined = 0;
  return damages.map(({ kind, from, to, recordsBefore, records }): Damage => {
    const sample = lost === undefined ? undefined : recordsBefore + lost;
    lost = lost === undefined || records === undefined ? undefined : lost + records;
    const bytes = `${to - from} bytes from ${from} on`;
    if (kind === "payload")
      return { file, kind: "sample", sample, byte: from, message: `${records} records with a wrong crc32c, ${bytes}` };
    const message = `a damaged length, ${bytes} without a sound record`;
    return { file, kind: "unreadable", sample, byte: from, message };
  });
}

async function verifyShards(dataset: Dataset, options: VerifyOptions): Promise<VerifyReport> {
  const locations = dataset.splits.flatMap((split) => split.shards);
  for (const location of locations) checkShardLinks(location);
  const damages: Damage[] = [];
  let bytes = 0;
  let samples = 0;
  let done = 0;
  for (const location of locations) {
    options.signal?.throwIfAborted();
    const found = await verifyShard(location, options);
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

async function verifyShard(location: ShardLocation, options: VerifyOptions): Promise<Found> {
  const { path: file, entry } = location;
  if (entry === undefined) return await verifySamples(location, options);
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
  const samples = index.damages.length === 0 ? (await verifySamples(location, options)).damages : [];
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

async function verifySamples(location: ShardLocation, options: VerifyOptions): Promise<Found> {
  const { path, format, schema } = location;
  let shard: OpenShard;
  try {
    shard = await openShard(location);
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    return { damages: await unreadable(path, format, error, options), bytes: 0 };
  }
  const damages: Damage[] = [];
  let read = 0;
  try {
    for (let row = 0; row < shard.reader.length; row++) {
      if (row % TURN_ROWS === 0) await nextTurn();
      options.signal?.throwIfAborted();
      for (const { name } of schema.fields) {
        try {
          const bytes = checksumBytes(shard.reader.readField(row, name));
          read += bytes.length;
          shard.check(row, name, bytes);
        } catch (error) {
          const message = textOf(error);
          const byte = (error as MillraceError).detail.byte ?? byteOf(shard, name, row);
          damages.push({ file: path, kind: "sample", sample: row, field: name, byte, message });
        }
      }
    }
  } finally {
    shard.close();
  }
  return { damages, bytes: read };
}

/** Where the bytes of a value begin, if they lie plain. */
function byteOf({ reader }: OpenShard, field: string, row: number): number | undefined {
  try {
    const extents = reader.extents(field);
    return extents === undefined ? undefined : offsetOf(extents, row);
  } catch (error) {
    if (isMillraceError(error)) return undefined;
    throw error;
  }
}

function textOf(error: unknown): string {
  if (isMillraceError(error)) return error.message;
  throw error;
}
