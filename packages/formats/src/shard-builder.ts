import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { commitFile, temporaryPath } from "./atomic-file.js";
import { crc32c } from "./checksum.js";
import { combineCrc32c } from "./combined-checksum.js";
import { checkCompression } from "./compression.js";
import type { TypedArray } from "./dtype.js";
import { fileError } from "./errors.js";
import type { Compression, FormatName, ShardFormat, ShardWriter } from "./format.js";
import { checkSplitName, type ShardEntry } from "./manifest.js";
import { openFormat } from "./registry.js";
import { checksumBytes, sampleBytes, shapeBytes } from "./sample-bytes.js";
import { checkSample, checkSchema, type Sample, type SampleValue, type Schema } from "./schema.js";
import { checkReader, checkSameSchema, checkSize, CHECKSUM_PREFIX, checkValue } from "./shard-checks.js";
import { indexPathOf, writeShardIndex } from "./shard-index.js";

/** What {@link createShard} needs to know. */
export interface CreateShardOptions {
  readonly split: string;
  /** Number of the shard in its split, from 0. */
  readonly number: number;
  readonly format: FormatName;
  readonly schema: Schema;
  /** How many samples will come, where it is known; fewer is allowed. */
  readonly expectedSamples?: number | undefined;
  /** Text attributes kept in the file. */
  readonly attributes?: ReadonlyMap<string, string> | undefined;
  /** How the shard's tensors are packed, in HDF5 only. Default: not at all. */
  readonly compression?: Compression | undefined;
}

/** A shard in the making: invisible under its final name until `finish` has synced it to disk. */
export interface ShardBuilder {
  /**
   * Appends a sample; its memory may be reused once the promise resolves.
   * @throws {@link SchemaError} if it does not fit the schema.
   */
  write(sample: Sample): Promise<void>;
  /**
   * Closes the file, opens it as a reader does and compares its size, its schema and some samples with what was
   * written, syncs, renames, and returns the shard's line in the manifest.
   * @throws {@link CorruptShardError} if they are not what was written; {@link FileError} if the system refuses. Then
   * `abort` cleans up.
   * @param columns more columns for the sidecar, beside the checksums; see `ShardIndex`
   */
  finish(columns?: ReadonlyMap<string, TypedArray>): Promise<ShardEntry>;
  /** Leaves no file behind, after a failed `finish` too. Idempotent, and does nothing after `finish`. */
  abort(): Promise<void>;
}

/** Path of a shard relative to its dataset: `train/shard-00000.h5`. */
export function shardPath(split: string, number: number, extension: string): string {
  return `${split}/shard-${String(number).padStart(5, "0")}.${extension}`;
}

/**
 * Begins a shard of the dataset in `root`, with its sidecar of checksums.
 * @throws {@link OptionError} if the split has an impossible name, or the format does not have the compression;
 * {@link SchemaError} if the schema is impossible; {@link FileError} if the system refuses.
 */
export async function createShard(root: string, options: CreateShardOptions): Promise<ShardBuilder> {
  checkSplitName(options.split);
  checkCompression(options.format, options.compression);
  checkSchema(options.schema);
  const format = await openFormat(options.format);
  const relative = shardPath(options.split, options.number, format.extensions[0]);
  const path = join(root, relative);
  try {
    await mkdir(dirname(path), { recursive: true });
  } catch (error) {
    throw fileError(dirname(path), "create the folder", error);
  }
  const temporary = temporaryPath(path);
  const writer = await format.createWriter(temporary, options);
  return new Builder({ path, relative, temporary }, format, writer, options.schema);
}

interface Paths {
  /** Where the shard will be. */
  readonly path: string;
  /** The same relative to the dataset. */
  readonly relative: string;
  /** Where it is until then. */
  readonly temporary: string;
}

/** Samples that are read back before the shard is renamed. */
const CHECKED_ROWS = 8;

class Builder implements ShardBuilder {
  #samples = 0;
  /** Whether the sidecar lies under its final name, and the shard does not yet. */
  #indexIsAlone = false;
  readonly #crcs: Map<string, number[]>;

  constructor(
    readonly paths: Paths,
    readonly format: ShardFormat,
    readonly writer: ShardWriter,
    readonly schema: Schema,
  ) {
    this.#crcs = new Map(schema.fields.map((field) => [field.name, []]));
  }

  async write(sample: Sample): Promise<void> {
    checkSample(this.schema, sample);
    const values = [...this.#crcs].map(([name, column]) => {
      const value = sample.get(name) as SampleValue;
      return { name, column, ...valueChecksums(value) };
    });
    // Of each value the bytes are looked at once: what the sidecar keeps becomes part of the file's checksum too.
    await this.writer.write(sample, new Map(values.map(({ name, bytes }) => [name, bytes])));
    for (const { column, sample: crc } of values) column.push(crc);
    this.#samples++;
  }

  async finish(more: ReadonlyMap<string, TypedArray> = new Map()): Promise<ShardEntry> {
    const { path, relative, temporary } = this.paths;
    const file = await this.writer.finish();
    await this.#check(file.bytes);
    const columns = new Map<string, TypedArray>(more);
    for (const [name, crcs] of this.#crcs) columns.set(CHECKSUM_PREFIX + name, Uint32Array.from(crcs));
    const index = await writeShardIndex(indexPathOf(path), { samples: this.#samples, columns });
    this.#indexIsAlone = true;
    await commitFile(temporary, path);
    this.#indexIsAlone = false;
    return { path: relative, samples: this.#samples, bytes: file.bytes, crc32c: file.crc32c, index };
  }

  /**
   * Looks at the finished file as a reader will: its size, its structure, and some samples. It finds a short write and a
   * wrong writer; a bit that flips on its way to the disk is found by the checksum of the sample or of the file, which
   * were computed before.
   */
  async #check(bytes: number): Promise<void> {
    const { schema, format } = this;
    const path = this.paths.temporary;
    checkSize(path, bytes);
    const reader = await format.openReader(path, { schema, verify: false });
    try {
      checkReader({ path, format: format.name, schema, samples: this.#samples }, reader);
      checkSameSchema(path, schema, reader.schema);
      const columns = [...this.#crcs];
      for (const row of someRows(this.#samples)) {
        for (const [field, crcs] of columns)
          checkValue(
            { file: path, sample: row, field },
            checksumBytes(reader.readField(row, field)),
            crcs[row] as number,
          );
      }
    } finally {
      reader.close();
    }
  }

  async abort(): Promise<void> {
    const { path, temporary } = this.paths;
    await this.writer.abort();
    await rm(temporary, { force: true });
    if (this.#indexIsAlone) await rm(indexPathOf(path), { force: true });
    this.#indexIsAlone = false;
  }
}

/** Up to {@link CHECKED_ROWS} rows at equal distances, the first and the last among them. */
function someRows(samples: number): readonly number[] {
  const count = Math.min(samples, CHECKED_ROWS);
  return Array.from({ length: count }, (_, i) => Math.round((i * (samples - 1)) / Math.max(1, count - 1)));
}

/** The CRC-32C of a value for the sidecar, and of its bytes alone, which are what the shard file holds of it. */
function valueChecksums(value: SampleValue): { sample: number; bytes: number } {
  const bytes = sampleBytes(value);
  const crc = crc32c(bytes);
  if (typeof value === "string" || !("shape" in value)) return { sample: crc, bytes: crc };
  return { sample: combineCrc32c(crc32c(shapeBytes(value.shape)), crc, bytes.length), bytes: crc };
}
