import { readFileSync } from "node:fs";
import type { TypedArray } from "./dtype.js";
import { fileError } from "./errors.js";
import type { FormatName, ShardReader } from "./format.js";
import type { ShardEntry } from "./manifest.js";
import { openFormat } from "./registry.js";
import { checkRowNumber } from "./row-number.js";
import { checkLinks } from "./safe-path.js";
import { fieldOf, type Schema } from "./schema.js";
import { checkColumns, checkReader, checkSize, CHECKSUM_PREFIX, checksumColumn, checkValue } from "./shard-checks.js";
import { decodeShardIndex, indexPathOf, type ShardIndex } from "./shard-index.js";

/** Whether a sample's bytes are checked against its CRC-32C: at its first read in a process, at every read, never. */
export type ChecksumPolicy = "first" | "always" | "off";

/** Where a shard of a dataset lies: plain data, which a worker thread can open with {@link openShard}. */
export interface ShardLocation {
  /** Absolute path, by its name inside the dataset's folder. */
  readonly path: string;
  readonly format: FormatName;
  readonly schema: Schema;
  readonly samples: number;
  /** What the manifest says of it; absent for a file without a manifest, which then has no checksums. */
  readonly entry?: ShardEntry | undefined;
  /**
   * The dataset's folder, which the file must not leave with its links followed: whoever opens it but by
   * {@link openShard} calls {@link checkShardLinks} before. Absent for a file that the caller named, which may be a link.
   */
  readonly root?: string | undefined;
}

/** An open shard that knows the checksums of its samples. */
export interface OpenShard {
  readonly location: ShardLocation;
  readonly reader: ShardReader;
  /** The sidecar; `undefined` for a file without a manifest. */
  readonly index: ShardIndex | undefined;
  /**
   * CRC-32C of {@link checksumBytes} of each sample's value of a field, or `undefined` without a manifest.
   * @throws {@link SchemaError} if there is no such field.
   */
  checksums(field: string): Uint32Array | undefined;
  /**
   * Checks bytes that were read from a sample's extent, or that {@link checksumBytes} made of its value; of a ragged
   * value only these, as its shape does not lie in its extent. Without a manifest the sample is checked by the checksum
   * of its format, where there is one.
   * @throws {@link CorruptShardError} with the sample, expected and found; {@link OptionError} for a row that there is
   * not; {@link SchemaError} for such a field.
   */
  check(row: number, field: string, bytes: Uint8Array): void;
  /**
   * Gives back the memory of the sidecar but for the checksums of these fields; those of others are then not checked.
   * @param fields Names of fields.
   */
  keepChecksums(fields: readonly string[]): void;
  /** Frees the file. Idempotent. */
  close(): void;
}

/**
 * Checks that a shard of a dataset and its sidecar lie in the dataset's folder, all links followed.
 * @throws {@link ManifestError} if a link leads out.
 */
export function checkShardLinks({ root, path }: Pick<ShardLocation, "root" | "path">): void {
  if (root !== undefined) checkLinks(root, path, indexPathOf(path));
}

/**
 * Opens a shard and its sidecar, and checks that they are those of the manifest: the size of the shard, its samples and
 * its schema; the size and the CRC-32C of the sidecar, and that it has a checksum of every field of every sample. Before
 * it reads a byte, it looks whether a link leads out of the dataset's folder.
 * @throws {@link CorruptShardError} if not, or if the file is damaged; {@link FileError} if it is not there;
 * {@link ManifestError} if a link leads out.
 */
export async function openShard(location: ShardLocation): Promise<OpenShard> {
  const { path, entry } = location;
  // Here and in the readers of the formats these few short reads are not awaited, which would cost as much as all the rest.
  checkShardLinks(location);
  if (entry !== undefined) checkSize(path, entry.bytes);
  const format = await openFormat(location.format);
  const index = entry === undefined ? undefined : loadIndex(indexPathOf(path), entry.index);
  if (index !== undefined) checkColumns(location, index);
  // What the format itself protects is checked with the rest, in `check`, as the policy of the caller wants it.
  const reader = await format.openReader(path, { schema: location.schema, verify: false });
  try {
    checkReader(location, reader);
  } catch (error) {
    reader.close();
    throw error;
  }
  return new Shard(location, reader, index);
}

function loadIndex(path: string, expected: ShardEntry["index"]): ShardIndex {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw fileError(path, "read the shard index", error);
  }
  // A fresh copy is aligned; a small file may come as a slice of Node's pool.
  return decodeShardIndex(new Uint8Array(bytes), path, expected);
}

class Shard implements OpenShard {
  #index: ShardIndex | undefined;

  constructor(
    readonly location: ShardLocation,
    readonly reader: ShardReader,
    index: ShardIndex | undefined,
  ) {
    this.#index = index;
  }

  get index(): ShardIndex | undefined {
    return this.#index;
  }

  keepChecksums(fields: readonly string[]): void {
    if (this.#index === undefined) return;
    const { samples } = this.#index;
    const columns = new Map<string, TypedArray>();
    for (const field of fields) {
      const column = checksumColumn(this.#index, field);
      if (column !== undefined) columns.set(CHECKSUM_PREFIX + field, column.slice());
    }
    this.#index = { samples, columns };
  }

  checksums(field: string): Uint32Array | undefined {
    fieldOf(this.location.schema, field);
    return this.index === undefined ? undefined : checksumColumn(this.index, field);
  }

  check(row: number, field: string, bytes: Uint8Array): void {
    const { path, samples } = this.location;
    const checksums = this.checksums(field);
    if (checksums === undefined) {
      this.reader.checkRow?.(row);
      return;
    }
    checkRowNumber(path, row, samples);
    checkValue({ file: path, sample: row, field }, bytes, checksums[row] as number);
  }

  close(): void {
    this.reader.close();
  }
}
